#include "train/find_lr.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace tweed {
namespace {

void check(const RateRange& r) {
  const bool rises = r.first > 0 && r.last > r.first && std::isfinite(r.last);
  if (!rises)
    throw Error("[find_lr] rates from " + std::to_string(r.first) + " to " +
                std::to_string(r.last) + ": they rise, and begin above 0");
  if (r.steps < 20)
    throw Error("[find_lr] " + std::to_string(r.steps) + " steps are too few: at least 20");
}

// Puts a trainer back to where it was, whatever happened meanwhile.
class Restored {
 public:
  explicit Restored(Trainer& trainer) : trainer_(trainer), state_(trainer.state()) {
    for (auto& [name, t] : state_.tensors) t = t.clone();
  }
  ~Restored() { trainer_.load(state_); }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;

 private:
  Trainer& trainer_;
  TrainerState state_;
};

// Tells from losses as they come whether they still have a floor: an average of the last ten or
// so, rid of its start from 0.
class Divergence {
 public:
  explicit Divergence(double factor) : factor_(factor) {}
  bool has_come(double loss) {
    constexpr double kept = 0.9;
    average_ = kept * average_ + (1 - kept) * loss;
    start_ *= kept;
    const double now = average_ / (1 - start_);
    smallest_ = std::min(smallest_, now);
    return now > factor_ * smallest_;
  }

 private:
  double factor_, average_ = 0, start_ = 1, smallest_ = INFINITY;
};

// The slope of a straight line through the smoothed losses around i, by least squares.
double slope_at(const std::vector<TriedRate>& tried, int64_t i, int64_t reach) {
  const int64_t first = std::max<int64_t>(0, i - reach),
                last = std::min<int64_t>(int64_t(tried.size()) - 1, i + reach);
  const double middle = double(first + last) / 2;
  double products = 0, squares = 0;
  for (int64_t k = first; k <= last; ++k) {
    products += (double(k) - middle) * tried[std::size_t(k)].smoothed;
    squares += (double(k) - middle) * (double(k) - middle);
  }
  return squares > 0 ? products / squares : 0;
}

}  // namespace

// Not an average of the past, which lags: the rate would come out too large.
void choose_rate(RateTest& test, int64_t steps) {
  auto& tried = test.tried;
  const auto count = int64_t(tried.size());
  const double width = std::max(1.0, double(steps) / 50);
  const auto reach = int64_t(3 * width);
  for (int64_t i = 0; i < count; ++i) {
    double sum = 0, weights = 0;
    for (int64_t k = std::max<int64_t>(0, i - reach); k <= std::min(count - 1, i + reach); ++k) {
      const double away = double(k - i) / width, weight = std::exp(-away * away / 2);
      sum += weight * tried[std::size_t(k)].loss;
      weights += weight;
    }
    tried[std::size_t(i)].smoothed = sum / weights;
  }
  test.steepest = test.lowest = 0;
  if (tried.empty()) return;
  const auto lower = [](auto& a, auto& b) { return a.smoothed < b.smoothed; };
  const auto lowest = std::min_element(tried.begin(), tried.end(), lower);
  const auto before = std::max_element(tried.begin(), lowest + 1, lower);
  if (lowest->smoothed > 0.99 * before->smoothed) return;
  test.lowest = lowest->rate;
  double steepest = 0;
  for (int64_t i = 0; i <= lowest - tried.begin(); ++i)
    if (const double slope = slope_at(tried, i, int64_t(width)); slope < steepest) {
      steepest = slope;
      test.steepest = tried[std::size_t(i)].rate;
    }
}

RateTest find_lr(Trainer& trainer, const RateRange& range) {
  check(range);
  RateTest test;
  const Restored restored(trainer);
  Divergence divergence(range.diverged);
  const double ratio = std::log(range.last / range.first) / double(range.steps - 1);
  for (int64_t i = 0; i < range.steps; ++i) {
    if (range.cancelled && range.cancelled()) {
      test.cancelled = true;
      break;
    }
    const double rate = range.first * std::exp(ratio * double(i));
    double loss = INFINITY;
    try {
      loss = trainer.step_at(rate);
    } catch (const Diverged&) {  // tells of it below
    }
    if (std::isfinite(loss)) test.tried.push_back({rate, loss, 0});
    test.diverged = !std::isfinite(loss) || divergence.has_come(loss);
    if (test.diverged) break;
    if (range.progress) range.progress(i + 1, range.steps);
  }
  choose_rate(test, range.steps);
  return test;
}

}  // namespace tweed
