#include "optim/schedule.h"

#include <algorithm>
#include <cmath>

namespace tweed {

double WarmupCosine::at(int64_t i) const {
  if (i < warmup) return lr * double(i) / double(warmup);
  int64_t steps = std::max<int64_t>(1, total - 1 - warmup);
  double part = std::min(1.0, double(i - warmup) / double(steps));
  return last + (lr - last) * 0.5 * (1 + std::cos(part * 3.141592653589793));
}

}  // namespace tweed
