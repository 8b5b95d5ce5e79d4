// Projected gradient descent: an attack.
#include "pgd.h"

#include <algorithm>

namespace tweed::exercise {

Image pgd(const Image& x, const GradientOf& gradient_of, float eps, float step, int steps) {
  Image attacked = x;
  for (int k = 0; k < steps; ++k) {
    const Image gradient = gradient_of(attacked);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float way = float((gradient[i] > 0) - (gradient[i] < 0));
      const float moved = std::clamp(attacked[i] + step * way, x[i] - eps, x[i] + eps);
      attacked[i] = std::clamp(moved, 0.f, 1.f);
    }
  }
  return attacked;
}

}  // namespace tweed::exercise
