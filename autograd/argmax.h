// The largest and smallest of a row. Not differentiable, so nothing is recorded.
#pragma once
#include "tensor/tensor.h"

namespace tweed {

/// The index of the largest value along the last axis, the first of equals; NaN counts as largest.
///
/// @param x  (..., C), C >= 1
/// @return   (...), int32, on x's device. Computed on the host.
Tensor argmax(const Tensor& x);
/// The same of the smallest value; NaN counts as smallest.
Tensor argmin(const Tensor& x);

}  // namespace tweed
