// The three passes of a convolution on tensors, each by either algorithm. No recording here.
#pragma once
#include "kernels/bias.h"
#include "kernels/conv_direct.h"
#include "tensor/tensor.h"

namespace tweed {

/// y (N, OH, OW, Co) = activation(conv(x, weight) + bias); bias may be undefined.
void conv_forward(const Conv& c, bool direct, Activation activation, const Tensor& x,
                  const Tensor& weight, const Tensor& bias, const Tensor& y);
/// dx, from dz = the gradient before bias and activation.
Tensor conv_backward_input(const Conv& c, bool direct, const Tensor& dz, const Tensor& weight);
/// dweight (Co, K, K, Ci). Where `dbias` is defined, `direct` computes it too: it passes over dz
/// anyway.
Tensor conv_backward_weight(const Conv& c, bool direct, const Tensor& x, const Tensor& dz,
                            const Tensor& dbias = {});

void im2col(const Window& w, const Tensor& image, const Tensor& columns);
void col2im(const Window& w, const Tensor& columns, const Tensor& image);

}  // namespace tweed
