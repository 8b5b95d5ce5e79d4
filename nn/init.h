// Initial values of parameters.
#pragma once
#include "kernels/philox.h"
#include "tensor/tensor.h"

namespace tweed {

/// Uniform in [-bound, bound), from (seed, layer, which) alone.
/// @param which  counts the parameters of a layer
Tensor uniform_init(const Shape& shape, double bound, uint64_t seed, uint32_t layer,
                    uint32_t which);

}  // namespace tweed
