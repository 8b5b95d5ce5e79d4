// Convolution in two dimensions, and the two copies that explain it.
#pragma once
#include <string>

#include "autograd/graph.h"
#include "kernels/bias.h"

namespace tweed {

/// How conv2d computes.
enum class ConvAlgorithm : uint8_t {
  automatic,  ///< the fastest that the device and dtype have
  im2col,     ///< patches copied into rows, then a matrix product; everywhere
  direct,     ///< oneDNN's blocked kernels; `cpu` only, in float (bf16 is converted around it)
};
/// From "auto", "im2col" or "direct". @throws Error naming these three
ConvAlgorithm parse_conv_algorithm(const std::string& name);
/// What conv2d uses from now on, for the whole process.
void set_conv_algorithm(ConvAlgorithm algorithm);
ConvAlgorithm conv_algorithm();

struct ConvOptions {
  int64_t stride = 1, padding = 0;
  Activation activation = Activation::none;
};

/// Two-dimensional convolution (cross-correlation) with a square kernel and zero padding.
///
///   y[n, i, j, o] = activation(bias[o] +
///                   sum over kh, kw, c of x[n, i stride - padding + kh, ..., c] weight[o, kh, kw,
///                   c])
///
/// @param x       (N, H, W, Ci)
/// @param weight  (Co, K, K, Ci); files hold PyTorch's (Co, Ci, K, K)
/// @param bias    (Co), or undefined
/// @return        (N, OH, OW, Co), OH = (H + 2 padding - K) / stride + 1
/// @throws ShapeError   "[conv2d] weight is (64, 7, 7, 3), x is (8, 32, 32, 4)"
/// @throws DeviceError  if the chosen algorithm does not run on x's device
/// Saves x, weight, and y if there is an activation.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});

/// Copies each patch under a sliding window into a row (im2col; PyTorch's unfold, in NHWC order).
///
/// @param x  (N, H, W, C)
/// @return   (N * OH * OW, kernel * kernel * C)
Tensor unfold(const Tensor& x, int64_t kernel, int64_t stride = 1, int64_t padding = 0);

/// Adds rows back to the pixels that unfold copied them from (col2im; PyTorch's fold).
///
/// @param columns  (N * OH * OW, kernel * kernel * C)
/// @param image    (N, H, W, C), the shape to return
Tensor fold(const Tensor& columns, const Shape& image, int64_t kernel, int64_t stride = 1,
            int64_t padding = 0);

}  // namespace tweed
