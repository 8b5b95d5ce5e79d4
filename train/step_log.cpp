#include "train/step_log.h"

#include "autograd/dispatch.h"
#include "autograd/reduce.h"
#include "kernels/machine/trace_notes.h"
#include "kernels/score.h"

namespace tweed {

StepLog::StepLog(const Module& network)
    : network_(network), log_(Tensor::zeros({rows, 6}, DType::float64, network.device())) {}

void StepLog::add(const Tensor& clock, int64_t parts, const RunningScore& score) {
  const trace::Scope scope("log of steps", "step");
  const NoGrad no_grad;
  std::vector<Tensor> gradients;  // of the convolutions
  for (auto& [name, t] : network_.parameters())
    if (t.ndim() == 4 && requires_grad(t)) gradients.push_back(grad(t));
  Tensor first = Tensor::zeros({1}, DType::float32, log_.device()), last = first;
  if (!gradients.empty()) {
    first = norm_linf(gradients.front());
    last = norm_linf(gradients.back());
  }
  dispatch("step log", first, [&]<class T>(auto& here) {
    log_step(here, clock.read<int32_t>(), parts, score.totals().template read<double>(),
             first.read<T>(), last.read<T>(), log_.write<double>());
  });
}

std::vector<StepResult> StepLog::read(int64_t first, int64_t last, const ScoreSums& before) const {
  const auto values = log_.to_vector<double>();
  std::vector<StepResult> results;
  ScoreSums sums = before;
  for (int64_t step = first; step < last; ++step) {
    const double* row = values.data() + step % rows * 6;
    const ScoreSums batch{row[0] - sums.loss, row[1] - sums.top1, row[2] - sums.top5,
                          int64_t(row[3]) - sums.count};
    sums = {row[0], row[1], row[2], int64_t(row[3])};
    results.push_back({step, batch.average(), row[4], row[5]});
  }
  return results;
}

}  // namespace tweed
