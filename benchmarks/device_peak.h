// What a device could do at most: the yardstick beside every product and convolution.
#pragma once
#include "tensor/tensor.h"

namespace tweed::bench {

/// Operations a second in the given type: on `cpu` the multiply-adds of fma_peak() (bf16 is
/// converted to float there); elsewhere the best of several products of large square matrices.
double peak_flops(Device device, DType dtype);

}  // namespace tweed::bench
