// Convolution in two dimensions, and the two copies that explain it.
#pragma once
#include <string>
#include <vector>

#include "autograd/graph.h"
#include "autograd/window_options.h"
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
  Pair stride = 1;
  Padding padding = 0;
  Pair dilation = 1;  ///< pixels from a tap to the next
  /// Each of as many groups of output channels sees its own group of input channels alone, in
  /// order: with as many as there are input channels that is a "depthwise" convolution.
  int64_t groups = 1;
  Activation activation = Activation::none;
  /// A batch norm in training follows, whose statistics may be found on the way: `mma` does, where
  /// there is no activation. They stay with the result until it is changed.
  bool moments = false;
  const ConvAlgorithm* algorithm = nullptr;  ///< null: conv_algorithm() of x's device
};

/// Two-dimensional convolution (cross-correlation) with zero padding.
///
///   y[n, i, j, o] = activation(bias[o] + sum over kh, kw, c of
///                       x[n, i stride - padding + kh dilation, ..., c0 + c] weight[o, kh, kw, c])
///
/// where c0 is the first channel of o's group.
///
/// @param x       (N, H, W, Ci), or PackedImages, which have no gradient
/// @param weight  (Co, KH, KW, Ci / groups); files hold PyTorch's (Co, Ci / groups, KH, KW)
/// @param bias    (Co), or undefined
/// @return        (N, OH, OW, Co),
///                OH = (H + top + bottom - dilation (KH - 1) - 1) / stride + 1
/// @throws ShapeError   "[conv2d] weight is (64, 7, 7, 3), x is (8, 32, 32, 4)"
/// @throws ShapeError   "[conv2d] 3 groups of 8 channels into 12"
/// @throws DeviceError  if the algorithm does not run on x's device, as set_conv_algorithm
/// Saves x, weight, and y if there is an activation.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});

struct ConvTransposeOptions {
  Pair stride = 1;
  Padding padding = 0;      ///< of the convolution that this turns round: cut off the result
  Pair output_padding = 0;  ///< rows and columns more at the bottom and on the right
  Pair dilation = 1;
  int64_t groups = 1;
  const ConvAlgorithm* algorithm = nullptr;  ///< null: conv_algorithm() of x's device
};

/// The transpose of conv2d: as its input gradient does, every pixel of x adds `weight` times itself
/// to the window of y that it stands for, so that a stride makes images larger ("deconvolution").
///
///   y[n, i stride - padding + kh dilation, ..., o0 + o] grows by
///       x[n, i, j, c] weight[c, kh, kw, o]   for all i, j, kh, kw, c and o; then by bias
///
/// where o0 is the first output channel of c's group. Where several sizes of y have x's size as
/// conv2d's result, output_padding says which.
///
/// @param x       (N, H, W, Ci)
/// @param weight  (Ci, KH, KW, Co / groups), as conv2d from y's to x's channels has it; files hold
///                PyTorch's (Ci, Co / groups, KH, KW)
/// @param bias    (Co), or undefined
/// @return        (N, OH, OW, Co),
///                OH = (H - 1) stride - top - bottom + dilation (KH - 1) + 1 + output_padding
/// @throws ShapeError  "[conv_transpose2d] output_padding 2 is not less than stride 2 or dilation
/// 1" Saves x and weight. Source: Zeiler, Krishnan, Taylor, Fergus 2010
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions& options = {});

/// conv2d's options for sequences; `padding` is {before, after}.
struct Conv1dOptions {
  int64_t stride = 1;
  Pair padding = 0;
  int64_t dilation = 1, groups = 1;
  Activation activation = Activation::none;
  const ConvAlgorithm* algorithm = nullptr;
};

/// Convolution of sequences: conv2d on images of height 1.
///
/// @param x       (N, L, Ci)
/// @param weight  (Co, K, Ci / groups), or as Conv1d holds it, (Co, 1, K, Ci / groups); PyTorch's
///                files have (Co, Ci / groups, K)
/// @param bias    (Co), or undefined
/// @return        (N, OL, Co), OL = (L + before + after - dilation (K - 1) - 1) / stride + 1
/// @throws ShapeError  as conv2d
/// Saves x, weight, and y if there is an activation.
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv1dOptions& options = {});

struct ConvTranspose1dOptions {
  int64_t stride = 1;
  Pair padding = 0;
  int64_t output_padding = 0, dilation = 1, groups = 1;
  const ConvAlgorithm* algorithm = nullptr;
};

/// The transpose of conv1d: conv_transpose2d on images of height 1.
///
/// @param x       (N, L, Ci)
/// @param weight  (Ci, K, Co / groups), or (Ci, 1, K, Co / groups); PyTorch's files have
///                (Ci, Co / groups, K)
/// @return        (N, OL, Co)
/// @throws ShapeError  as conv_transpose2d
/// Saves x and weight.
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTranspose1dOptions& options = {});

/// Copies each patch under a sliding window into a row (im2col; PyTorch's unfold, in NHWC order).
///
/// @param x  (N, H, W, C)
/// @return   (N * OH * OW, KH * KW * C)
Tensor unfold(const Tensor& x, Pair kernel, Pair stride = 1, const Padding& padding = 0,
              Pair dilation = 1);

/// Adds rows back to the pixels that unfold copied them from (col2im; PyTorch's fold).
///
/// @param columns  (N * OH * OW, KH * KW * C)
/// @param image    (N, H, W, C), the shape to return
Tensor fold(const Tensor& columns, const Shape& image, Pair kernel, Pair stride = 1,
            const Padding& padding = 0, Pair dilation = 1);

}  // namespace tweed
