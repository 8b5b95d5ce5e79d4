// The three passes of a convolution on tensor cores: what surrounds the kernels of
// kernels/conv/mma.h. In bfloat16, and in float32 by TF32's products; `cuda` and `sim`.
#pragma once
#include "kernels/bias.h"
#include "kernels/window.h"
#include "tensor/tensor.h"

namespace tweed {

/// Whether the device has them: a GPU since sm_80, or the simulator.
bool has_tensor_cores(Device device);

// See passes.h. All results have elements.
void mma_forward(const Conv&, Activation, const Tensor& x, const Tensor& weight, const Tensor& bias,
                 const Tensor& y, bool moments);
void mma_backward_input(const Conv&, const Tensor& dz, const Tensor& weight, const Tensor& dx);
void mma_backward_weight(const Conv&, const Tensor& x, const Tensor& dz, const Tensor& dweight);

}  // namespace tweed
