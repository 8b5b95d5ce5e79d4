// Convolution in two dimensions, and the two copies that explain it.
#pragma once
#include <string>
#include <vector>

#include "autograd/graph.h"
#include "kernels/bias.h"

namespace tweed {

/// A way in which conv2d computes: a row of autograd/conv/algorithm.h. docs/convolution.md climbs
/// from one to the next. A null pointer is `auto`: a choice for each shape, dtype and pass.
struct ConvAlgorithm;
/// From "auto" or a row's name. @throws Error naming all
const ConvAlgorithm* parse_conv_algorithm(const std::string& name);
/// The names of the algorithms that a device has, but for "auto".
std::vector<std::string> conv_algorithms(Device device);
/// All names, "auto" first, each with what it is and where it works in a few words.
std::string conv_algorithms_help();
/// What conv2d uses on a device from now on, where its options name nothing; `auto` at first.
/// @throws DeviceError  "[conv2d] 'implicit' works on cuda, sim, not on cpu"
void set_conv_algorithm(Device device, const ConvAlgorithm* algorithm);
const ConvAlgorithm* conv_algorithm(Device device);
/// What computed which pass of the convolutions so far, on any device, a line for each shape:
/// "conv 3->64 7x7/2 at 128x128: forward implicit, input im2col, weight implicit". A shape has
/// several lines if its passes were chosen differently for another dtype or number of images.
std::vector<std::string> conv_choices();
/// Those of one device.
std::vector<std::string> conv_choices(Device device);
/// The names of all algorithms in conv_choices(), such as {"direct", "winograd"}.
std::vector<std::string> conv_algorithms_used();

struct ConvOptions {
  int64_t stride = 1, padding = 0;
  Activation activation = Activation::none;
  /// A batch norm in training follows, whose statistics may be found on the way: `mma` does, where
  /// there is no activation. They stay with the result until it is changed.
  bool moments = false;
  const ConvAlgorithm* algorithm = nullptr;  ///< null: conv_algorithm() of x's device
};

/// Two-dimensional convolution (cross-correlation) with a square kernel and zero padding.
///
///   y[n, i, j, o] = activation(bias[o] + sum over kh, kw, c of
///                              x[n, i stride - padding + kh, ..., c] weight[o, kh, kw, c])
///
/// @param x       (N, H, W, Ci), or PackedImages, which have no gradient
/// @param weight  (Co, K, K, Ci); files hold PyTorch's (Co, Ci, K, K)
/// @param bias    (Co), or undefined
/// @return        (N, OH, OW, Co), OH = (H + 2 padding - K) / stride + 1
/// @throws ShapeError   "[conv2d] weight is (64, 7, 7, 3), x is (8, 32, 32, 4)"
/// @throws DeviceError  if the algorithm does not run on x's device, as set_conv_algorithm
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
