// A convolution on images and weights of four axes: what conv2d and conv1d record.
#pragma once
#include "autograd/conv/choice.h"
#include "autograd/describe.h"

namespace tweed {

struct Convolution {
  AnyConv conv;
  ConvPlan plan;
  Activation activation = Activation::none;
};

/// @param channels   x's
/// @param weight     (Co, ..., Ci / groups)
/// @throws ShapeError  where weight, x, bias and groups do not fit each other
void check_channels(const char* op, const Tensor& x, int64_t channels, const Tensor& weight,
                    const Tensor& bias, int64_t groups);
/// @param weight  (Co, KH, KW, Ci / groups)
AnyConv conv_of(const char* op, const Shape& images, const Shape& weight, const ConvOptions& o);
/// With the algorithms that the options or the weight's device name.
Convolution convolution_of(const char* op, const Shape& images, const Tensor& weight,
                           const ConvOptions& o);
/// What an OperationWatch is told of it.
Attributes attributes_of(const ConvOptions& o);

/// y (N, OH, OW, Co); see conv2d().
Tensor convolve(const Convolution& c, const Tensor& x, const Tensor& weight, const Tensor& bias,
                bool moments = false);
/// Gradients of x, weight and bias. @param y  undefined where there is no activation
Grads convolve_backward(const Convolution& c, const Tensor& x, const Tensor& weight,
                        const Tensor& y, const Tensor& dy, Want want);

/// The convolution whose input gradient a transposed one is: from its result's channels to x's.
struct TransposedConvolution {
  AnyConv conv;
  ConvPlan plan;
};
/// @throws ShapeError  see conv_transpose2d()
/// @param images  x's shape (N, H, W, Ci)
/// @param weight  (Ci, KH, KW, Co / groups)
TransposedConvolution transposed_of(const char* op, const Shape& images, const Tensor& weight,
                                    const ConvTransposeOptions& o);
void check_transposed_channels(const char* op, const Tensor& x, const Tensor& weight,
                               const Tensor& bias, int64_t groups);
Attributes attributes_of(const ConvTransposeOptions& o);

/// y (N, OH, OW, Co); see conv_transpose2d().
Tensor convolve_transposed(const TransposedConvolution& c, const Tensor& x, const Tensor& weight,
                           const Tensor& bias);
/// Gradients of x, weight and bias.
Grads convolve_transposed_backward(const TransposedConvolution& c, const Tensor& x,
                                   const Tensor& weight, const Tensor& dy, Want want);

}  // namespace tweed
