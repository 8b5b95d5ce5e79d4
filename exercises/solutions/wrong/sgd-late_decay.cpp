// expects: w after step 2
#include "sgd.h"

namespace tweed::exercise {

void sgd_step(const SgdOptions& options, std::vector<float>& w, const std::vector<float>& gradient,
              std::vector<float>& velocity) {
  for (std::size_t i = 0; i < w.size(); ++i) {
    const float g = gradient[i];
    velocity[i] = options.momentum * velocity[i] + g;
    w[i] -= options.lr * (velocity[i] + options.weight_decay * w[i]);
  }
}

}  // namespace tweed::exercise
