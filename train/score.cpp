#include "train/score.h"

#include <algorithm>
#include <cstdio>

#include "autograd/dispatch.h"
#include "autograd/loss.h"
#include "kernels/score.h"

namespace tweed {

std::string Score::str() const {
  char text[160];
  std::snprintf(text, sizeof text, "top-1 %.2f %%  top-5 %.2f %%  loss %.4f  (%ld image%s)", top1,
                top5, loss, long(count), count == 1 ? "" : "s");
  return text;
}

Score ScoreSums::average() const {
  const double n = double(std::max<int64_t>(1, count));
  return {loss / n, 100 * top1 / n, 100 * top5 / n, count};
}

void RunningScore::add(const Tensor& loss, const Tensor& logits, const Tensor& labels) {
  const Tensor ranks = target_ranks(logits, labels);
  dispatch("score", loss, [&]<class T>(auto& here) {
    add_score(here, loss.read<T>(), ranks.read<int32_t>(), totals_.write<double>());
  });
}

ScoreSums RunningScore::read() const {
  const auto totals = totals_.to_vector<double>();
  return {totals[0], totals[1], totals[2], int64_t(totals[3])};
}

void RunningScore::set(const ScoreSums& s) {
  totals_.copy_from(
      Tensor::from(std::vector<double>{s.loss, s.top1, s.top5, double(s.count)}, {4}));
}

}  // namespace tweed
