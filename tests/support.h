// What several tests need: devices, random tensors, comparisons.
#pragma once
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace tweed {

/// The devices that tests run on: cpu and sim, or the one given by `--device NAME`.
std::vector<Device> test_devices();
void use_test_device(const std::string& name);

/// Uniform values in [lo, hi), the same on every device and for every dtype but for rounding.
Tensor random_tensor(const Shape& shape, DType dtype = DType::float32, Device device = {},
                     uint64_t seed = 0, double lo = -1, double hi = 1);

/// Empty if |got - wanted| <= tolerance * max(1, the largest finite |wanted|) everywhere, NaN where
/// NaN is wanted and the same infinities; else names the worst element.
std::string difference(const std::vector<double>& got, const std::vector<double>& wanted,
                       double tolerance);

/// The same bits, shape and dtype.
bool same_bits(const Tensor& a, const Tensor& b);

}  // namespace tweed
