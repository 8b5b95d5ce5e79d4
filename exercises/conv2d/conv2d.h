#pragma once
#include "tensor/tensor.h"

namespace tweed::exercise {

/// @param x  (N, H, W, Ci)
/// @param w  (Co, K, K, Ci)
/// @param b  (Co)
/// @return   (N, OH, OW, Co), OH = (H + 2 padding - K) / stride + 1
Tensor convolution(const Tensor& x, const Tensor& w, const Tensor& b, int64_t stride,
                   int64_t padding);

struct ConvGradients {
  Tensor dx, dw, db;  ///< of the shapes of x, w and b
};
/// @param dy  (N, OH, OW, Co), the loss's gradient with respect to the result
ConvGradients convolution_backward(const Tensor& x, const Tensor& w, const Tensor& dy,
                                   int64_t stride, int64_t padding);

}  // namespace tweed::exercise
