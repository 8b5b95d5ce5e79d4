#include "benchmarks/values.h"

#include "kernels/philox.h"

namespace tweed::bench {

double bytes_of(const std::vector<Tensor>& tensors) {
  double bytes = 0;
  for (auto& t : tensors)
    if (t.defined()) bytes += double(t.bytes());
  return bytes;
}

Tensor random_values(const Shape& shape, Device device, uint64_t seed) {
  Random random(seed, Purpose::test);
  std::vector<float> values(std::size_t(shape.size()));
  constexpr std::size_t period = 1'000'003;  // a prime: rows do not repeat each other
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = i < period ? 2 * random.uniform() - 1 : values[i - period];
  return Tensor::from(values, shape, device);
}

}  // namespace tweed::bench
