#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tweed {

// A half cosine from a to b while part goes from 0 to 1.
static double half_cosine(double a, double b, double part) {
  return b + (a - b) * 0.5 * (1 + std::cos(std::min(part, 1.0) * std::numbers::pi));
}

Schedule constant(double lr) {
  return [=](int64_t) { return lr; };
}

Schedule step_decay(double lr, int64_t every, double gamma) {
  return [=](int64_t i) { return lr * std::pow(gamma, double(i / every)); };
}

Schedule multi_step(double lr, const std::vector<int64_t>& milestones, double gamma) {
  return [=](int64_t i) {
    auto passed = std::count_if(milestones.begin(), milestones.end(),
                                [=](int64_t milestone) { return milestone <= i; });
    return lr * std::pow(gamma, double(passed));
  };
}

Schedule cosine(double lr, int64_t total, double last) {
  const double steps = double(std::max<int64_t>(1, total - 1));
  return [=](int64_t i) { return half_cosine(lr, last, double(i) / steps); };
}

// From `start` to `middle` and on to `last`. The turn need not be a whole number.
static Schedule two_half_cosines(const OneCycle& cycle, double start, double middle, double last) {
  const double end = double(cycle.total - 1), turn = cycle.rising * double(cycle.total) - 1;
  return [=](int64_t i) {
    if (double(i) <= turn) return half_cosine(start, middle, turn > 0 ? double(i) / turn : 1);
    return half_cosine(middle, last, (double(i) - turn) / (end - turn));
  };
}
Schedule one_cycle(const OneCycle& cycle) {
  return two_half_cosines(cycle, cycle.lr * cycle.start, cycle.lr, cycle.lr * cycle.last);
}
Schedule one_cycle_momentum(const OneCycle& cycle) {
  return two_half_cosines(cycle, cycle.high_momentum, cycle.low_momentum, cycle.high_momentum);
}

Schedule warm_up(int64_t iterations, const Schedule& after, double start) {
  return [=](int64_t i) {
    if (i >= iterations) return after(i - iterations);
    return after(0) * (start + (1 - start) * double(i) / double(iterations));
  };
}

}  // namespace tweed
