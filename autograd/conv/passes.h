// The three passes of a convolution on tensors, each by any algorithm but `automatic`. No recording
// here.
#pragma once
#include "autograd/conv.h"
#include "kernels/window.h"

namespace tweed {

/// y (N, OH, OW, Co) = activation(conv(x, weight) + bias); bias may be undefined. `moments` are
/// wanted as ConvOptions says.
void conv_forward(const Conv& c, ConvAlgorithm algorithm, Activation activation, const Tensor& x,
                  const Tensor& weight, const Tensor& bias, const Tensor& y, bool moments = false);
/// dx, from dz = the gradient before bias and activation.
Tensor conv_backward_input(const Conv& c, ConvAlgorithm algorithm, const Tensor& dz,
                           const Tensor& weight);
/// dweight (Co, K, K, Ci). Where `dbias` is defined, `direct` computes it too: it passes over dz
/// anyway.
Tensor conv_backward_weight(const Conv& c, ConvAlgorithm algorithm, const Tensor& x,
                            const Tensor& dz, const Tensor& dbias = {});

void im2col(const Window& w, const Tensor& image, const Tensor& columns);
void col2im(const Window& w, const Tensor& columns, const Tensor& image);

}  // namespace tweed
