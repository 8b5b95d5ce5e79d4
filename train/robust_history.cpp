#include "train/robust_history.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace tweed {

// Round by round: the first of each class, then the second of each, and so on.
Dataset balanced(const Dataset& data, int64_t count) {
  if (count >= data.size()) return data;
  std::vector<std::pair<int64_t, int64_t>> order;  // round, image
  std::map<int, int64_t> rounds;                   // of each label
  for (int64_t i = 0; i < data.size(); ++i) order.emplace_back(rounds[data.label(i)]++, i);
  std::sort(order.begin(), order.end());
  std::vector<int64_t> chosen;
  for (int64_t k = 0; k < count; ++k) chosen.push_back(order[std::size_t(k)].second);
  std::sort(chosen.begin(), chosen.end());
  return data.part(chosen);
}

bool RobustHistory::overfits(int64_t images) const {
  const double error = std::sqrt(best * (100 - best) / double(std::max<int64_t>(1, images)));
  return lost() > 2 * error;
}

bool RobustHistory::add(int64_t epoch, double robust, double train, int64_t classes) {
  last = robust;
  const double chance = 100 / double(std::max<int64_t>(1, classes));
  const bool fell = best >= 2 * chance && robust < best / 2 && train >= train_at_best;
  if (fell && collapsed == 0) collapsed = epoch;
  if (robust <= best) return false;
  best = robust;
  best_epoch = epoch;
  train_at_best = train;
  return true;
}

}  // namespace tweed
