#include "train/outcomes.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tweed {

static Outcome outcome_of(const float* logits, int64_t classes, int32_t label) {
  const float* end = logits + classes;
  const float* largest = std::max_element(logits, end);
  double sum = 0;
  Outcome result{.label = label, .predicted = int32_t(largest - logits)};
  for (int64_t c = 0; c < classes; ++c) {
    sum += std::exp(double(logits[c]) - double(*largest));
    result.rank += logits[c] > logits[label] || (logits[c] == logits[label] && c < label);
  }
  result.probability = float(1 / sum);
  result.loss = float(std::log(sum) - (double(logits[label]) - double(*largest)));
  return result;
}

void Outcomes::add(const Tensor& logits, const Tensor& labels) {
  constexpr int64_t most = int64_t(4) << 20;  // of logits
  waiting_.emplace_back(logits.detach(), labels);
  waiting_size_ += logits.size();
  if (waiting_size_ > most) read();
}

const std::vector<Outcome>& Outcomes::read() {
  for (auto& [logits, labels] : waiting_) {
    const auto values = logits.to_vector<float>();
    const auto truths = labels.to_vector<int32_t>();
    const int64_t classes = logits.dim(1);
    for (std::size_t i = 0; i < truths.size(); ++i)
      outcomes_.push_back(outcome_of(values.data() + int64_t(i) * classes, classes, truths[i]));
  }
  waiting_.clear();
  waiting_size_ = 0;
  return outcomes_;
}

std::vector<Outcome> of_all_processes(ProcessGroup* group, const std::vector<Outcome>& own) {
  if (!group) return own;
  std::string all;
  for (auto& part : group->gather(
           std::string(reinterpret_cast<const char*>(own.data()), own.size() * sizeof(Outcome))))
    all += part;
  std::vector<Outcome> outcomes(all.size() / sizeof(Outcome));
  std::memcpy(outcomes.data(), all.data(), all.size());
  return outcomes;
}

Calibration calibration_of(const std::vector<Outcome>& outcomes) {
  CalibrationSums sums;
  for (auto& o : outcomes) sums.add(o.probability, o.predicted == o.label);
  return sums.result();
}

}  // namespace tweed
