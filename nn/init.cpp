#include "nn/init.h"

namespace tweed {

Tensor uniform_init(const Shape& shape, double bound, uint64_t seed, uint32_t layer,
                    uint32_t which) {
  Random random(seed, Purpose::init, layer, which);
  std::vector<float> values(std::size_t(shape.size()));
  for (float& v : values) v = random.uniform(-float(bound), float(bound));
  return Tensor::from(values, shape);
}

}  // namespace tweed
