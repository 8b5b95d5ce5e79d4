// Convolution in two dimensions, and the two copies that explain it.
#pragma once
#include <string>
#include <vector>

#include "autograd/graph.h"
#include "kernels/bias.h"

namespace tweed {

/// How conv2d computes; docs/convolution.md climbs from one to the next.
enum class ConvAlgorithm : uint8_t {
  automatic,  ///< chosen for each shape, dtype and pass
  naive,      ///< a thread for each number of the result; `cuda` and `sim`
  im2col,     ///< patches copied into rows, then a matrix product; everywhere
  implicit,   ///< the same product, its rows gathered into shared memory; `cuda` and `sim`
  mma,        ///< implicit on tensor cores, float32 by TF32's products; `cuda` and `sim`
  direct,     ///< oneDNN's blocked kernels; `cpu` only, in float (bf16 is converted around it)
  winograd,   ///< oneDNN's Winograd, where it has one (3x3, stride 1), else as `direct`; one NaN or
              ///< infinity reaches all places that share a tile with it (16 to 25 instead of 9)
  tiled,      ///< our register tile over windows; `cpu` only, in float and double
};
/// From "auto" or a name of conv_algorithms(). @throws Error naming all
ConvAlgorithm parse_conv_algorithm(const std::string& name);
/// The names of the algorithms that a device has, but for "auto".
std::vector<std::string> conv_algorithms(Device device);
/// @throws DeviceError  "[conv2d] 'implicit' works on cuda, sim, not on cpu"
void check_conv_algorithm(ConvAlgorithm algorithm, Device device);
/// What conv2d uses from now on, for the whole process.
void set_conv_algorithm(ConvAlgorithm algorithm);
ConvAlgorithm conv_algorithm();
/// What computed which pass of the convolutions so far, on any device, a line for each shape:
/// "conv 3->64 7x7/2 at 128x128: forward implicit, input im2col, weight implicit". A shape has
/// several lines if its passes were chosen differently for another dtype or number of images.
std::vector<std::string> conv_choices();
/// The names of all algorithms in conv_choices(), such as {"direct", "winograd"}.
std::vector<std::string> conv_algorithms_used();

struct ConvOptions {
  int64_t stride = 1, padding = 0;
  Activation activation = Activation::none;
  /// A batch norm in training follows, whose statistics may be found on the way: `mma` does, where
  /// there is no activation. They stay with the result until it is changed.
  bool moments = false;
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
/// @throws DeviceError  if the algorithm set does not run on x's device: check_conv_algorithm
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
