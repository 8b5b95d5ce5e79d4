#include "attacks/expectation.h"

#include <algorithm>

#include "autograd/image_ops.h"

namespace tweed {
namespace {

constexpr uint32_t draws_of_views = 7000;

// A whole number of pixels down and to the right.
Tensor shifted(const Tensor& x, int64_t down, int64_t right) {
  auto sides = [](int64_t by) {
    return std::pair(std::max<int64_t>(0, by), std::max<int64_t>(0, -by));
  };
  const Tensor framed = pad(x, {{0, 0}, sides(down), sides(right), {0, 0}});
  return crop(framed, std::max<int64_t>(0, -down), std::max<int64_t>(0, -right), x.dim(1),
              x.dim(2));
}

}  // namespace

Transform random_view(uint64_t seed) {
  return [seed](const Tensor& images, uint32_t draw) {
    Random random(seed, Purpose::attack, draws_of_views, draw);
    const double degrees = double(random.uniform(-15, 15));
    const auto most = std::max<int64_t>(1, images.dim(1) / 16);
    auto by = [&] { return int64_t(random.below(uint32_t(2 * most + 1))) - most; };
    const int64_t down = by(), right = by();
    const Tensor turned = shifted(rotate(images, degrees), down, right);
    return random.below(2) ? flip(turned, 2) : turned;
  };
}

}  // namespace tweed
