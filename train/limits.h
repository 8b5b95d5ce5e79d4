// What a device could do at most, measured: the yardstick beside kernels, products, convolutions.
#pragma once
#include <vector>

#include "tensor/tensor.h"

namespace tweed {

/// Operations a second in the given type: on `cpu` the multiply-adds of fma_peak() (bf16 is
/// converted to float there); elsewhere the best of several products of large square matrices.
double peak_flops(Device device, DType dtype);

/// A copy of a large array, on `cpu` by memcpy on all threads.
class CopyYardstick {
 public:
  CopyYardstick(Device device, int64_t bytes);
  /// Bytes a second, read and written, of one copy.
  double run();

 private:
  Device device_;
  std::size_t bytes_;
  std::vector<uint8_t> host_from_, host_to_;  // on `cpu`: the pool's peak stays a program's own
  Tensor from_, to_;
};

}  // namespace tweed
