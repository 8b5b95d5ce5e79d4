// The three passes of a convolution on tensors, each by any algorithm. No recording here.
#pragma once
#include "autograd/conv/algorithm.h"

namespace tweed {

/// How an algorithm wants images to lie.
Packing wanted_packing(const ConvAlgorithm& algorithm, const AnyConv& c, DType dtype);

/// See ConvAlgorithm, whose passes these are, for results without elements as well. x may be
/// PackedImages. `begun` is for algorithms that add.
void conv_forward(const AnyConv& c, const ConvAlgorithm& algorithm, Activation activation,
                  const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& y,
                  bool moments = false);
Tensor conv_backward_input(const AnyConv& c, const ConvAlgorithm& algorithm, const Tensor& dz,
                           const Tensor& weight, const Tensor& begun = {});
Tensor conv_backward_weight(const AnyConv& c, const ConvAlgorithm& algorithm, const Tensor& x,
                            const Tensor& dz, const Tensor& dbias = {}, const Tensor& begun = {});

}  // namespace tweed
