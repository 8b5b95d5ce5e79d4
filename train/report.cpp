#include "train/report.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "autograd/loss.h"

namespace tweed {

int32_t Answers::predicted(int64_t i) const {
  const auto row = probabilities.begin() + std::ptrdiff_t(i * classes);
  return int32_t(std::max_element(row, row + std::ptrdiff_t(classes)) - row);
}

Answers answers_on(Module& network, const Dataset& data, const EvaluateOptions& options) {
  Answers answers;
  answers.classes = int64_t(data.classes().size());
  double loss = 0;
  answer_each(
      network, data, options, [&](const Batch& batch, const Tensor& logits, const Tensor& labels) {
        const auto p = softmax(logits).to_vector<float>();
        answers.labels.insert(answers.labels.end(), batch.labels.begin(), batch.labels.end());
        answers.probabilities.insert(answers.probabilities.end(), p.begin(), p.end());
        loss += cross_entropy(logits, labels).item() * double(batch.count);
      });
  answers.loss = loss / double(std::max<int64_t>(1, answers.size()));
  return answers;
}

double average_precision(const std::vector<double>& scores, const std::vector<char>& positive) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] > scores[b]; });
  const double all = double(std::count(positive.begin(), positive.end(), char(1)));
  if (all == 0) return std::numeric_limits<double>::quiet_NaN();
  double area = 0, found = 0, before = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    found += positive[order[i]];
    if (i + 1 < order.size() && scores[order[i + 1]] == scores[order[i]]) continue;
    area += (found - before) / all * (found / double(i + 1));
    before = found;
  }
  return area;
}

namespace {

double mean_of_defined(const std::vector<double>& values) {
  double sum = 0;
  int64_t count = 0;
  for (double v : values)
    if (!std::isnan(v)) sum += v, ++count;
  return count ? sum / double(count) : std::numeric_limits<double>::quiet_NaN();
}

double precision_of(const Answers& answers, int64_t label) {
  std::vector<double> scores;
  std::vector<char> positive;
  for (int64_t i = 0; i < answers.size(); ++i) {
    scores.push_back(answers.probability(i, label));
    positive.push_back(answers.labels[std::size_t(i)] == label);
  }
  return 100 * average_precision(scores, positive);
}

// The rank of the true class: how many have a larger probability, or an equal one and a smaller
// index. 0 means top-1.
int64_t rank_of(const Answers& answers, int64_t i) {
  const int64_t label = answers.labels[std::size_t(i)];
  const float own = answers.probability(i, label);
  int64_t rank = 0;
  for (int64_t c = 0; c < answers.classes; ++c) {
    const float other = answers.probability(i, c);
    rank += other > own || (other == own && c < label);
  }
  return rank;
}

}  // namespace

Report report_on(const Answers& answers) {
  const int64_t classes = answers.classes;
  Report report;
  report.counts.assign(std::size_t(classes), 0);
  report.confusion.assign(std::size_t(classes * classes), 0);
  double top1 = 0, top5 = 0;
  CalibrationSums calibration;
  for (int64_t i = 0; i < answers.size(); ++i) {
    const int64_t label = answers.labels[std::size_t(i)], rank = rank_of(answers, i);
    top1 += rank < 1;
    top5 += rank < 5;
    const int32_t predicted = answers.predicted(i);
    ++report.counts[std::size_t(label)];
    ++report.confusion[std::size_t(label * classes + predicted)];
    calibration.add(answers.probability(i, predicted), predicted == label);
  }
  const double n = double(std::max<int64_t>(1, answers.size()));
  report.score = {answers.loss, 100 * top1 / n, 100 * top5 / n, answers.size()};
  for (int64_t c = 0; c < classes; ++c) {
    const auto right = double(report.confusion[std::size_t(c * classes + c)]);
    report.right.push_back(100 * right / double(report.counts[std::size_t(c)]));
    report.precisions.push_back(precision_of(answers, c));
  }
  report.calibration = calibration.result();
  report.class_mean = mean_of_defined(report.right);
  report.map = mean_of_defined(report.precisions);
  return report;
}

}  // namespace tweed
