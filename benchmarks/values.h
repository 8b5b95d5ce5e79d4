// Numbers to compute on.
#pragma once
#include <vector>

#include "tensor/tensor.h"

namespace tweed::bench {

/// Bytes of tensors together; undefined ones count nothing.
double bytes_of(const std::vector<Tensor>& tensors);
/// Uniform float32 values in [-1, 1). Beyond the first million they repeat, so that large tensors
/// are soon made.
Tensor random_values(const Shape& shape, Device device, uint64_t seed = 0);

}  // namespace tweed::bench
