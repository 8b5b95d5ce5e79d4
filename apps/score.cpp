#include "apps/score.h"

#include <algorithm>
#include <cstdio>

#include "autograd/dispatch.h"
#include "autograd/loss.h"
#include "kernels/score.h"

namespace tweed::app {

Score Score::average() const {
  double n = double(std::max<int64_t>(1, count));
  return {loss / n, 100 * top1 / n, 100 * top5 / n, count};
}

std::string text(const Score& average, int image_size) {
  char line[160];
  std::snprintf(line, sizeof line,
                "top-1 %.2f %%  top-5 %.2f %%  loss %.4f  (%ld image%s of %dx%d)", average.top1,
                average.top5, average.loss, long(average.count), average.count == 1 ? "" : "s",
                image_size, image_size);
  return line;
}

void RunningScore::add(const Tensor& loss, const Tensor& logits, const Tensor& labels) {
  const Tensor ranks = target_ranks(logits, labels);
  dispatch("score", loss, [&]<class T>(auto& here) {
    add_score(here, loss.read<T>(), ranks.read<int32_t>(), totals_.write<double>());
  });
}

Score RunningScore::read() const {
  const auto totals = totals_.to_vector<double>();
  return {totals[0], totals[1], totals[2], int64_t(totals[3])};
}

void RunningScore::set(const Score& s) {
  totals_.copy_from(
      Tensor::from(std::vector<double>{s.loss, s.top1, s.top5, double(s.count)}, {4}));
}

}  // namespace tweed::app
