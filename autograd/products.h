// Products of matrices on tensors, with bias and activation, and the backward pass of those two:
// what linear and conv2d share.
#pragma once
#include "autograd/graph.h"
#include "kernels/bias.h"
#include "kernels/gemm.h"

namespace tweed {

struct BiasGrads {
  Tensor dz;     ///< gradient before bias and activation; dy itself if there is no activation
  Tensor dbias;  ///< (C), undefined if not wanted
};

/// @param dy, y    (..., C); y is read only where there is an activation
/// @param owns_dy  dz may take dy's memory, as it does on `cpu`; see Want::owns_dy
BiasGrads bias_backward(Activation activation, const Tensor& dy, const Tensor& y, bool want_bias,
                        bool owns_dy);

/// y = activation(y + bias) in place; bias may be undefined.
void bias_forward(Activation activation, const Tensor& bias, const Tensor& y);

/// C = A B or C += A B on tensors; see Gemm. C has the dtype of A and B, or is float32 beside
/// bfloat16.
void gemm(const Gemm& g, const Tensor& a, const Tensor& b, const Tensor& c);
/// activation(a b + bias); `bias` may be undefined.
void gemm_bias(const Gemm& g, Activation activation, const Tensor& a, const Tensor& b,
               const Tensor& bias, const Tensor& c);

}  // namespace tweed
