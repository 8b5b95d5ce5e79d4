#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/machine/error.h"
#include "optim/arguments.h"

namespace tweed {

// A half cosine from a to b while part goes from 0 to 1.
static double half_cosine(double a, double b, double part) {
  return b + (a - b) * 0.5 * (1 + std::cos(std::min(part, 1.0) * std::numbers::pi));
}

Schedule constant(double lr) {
  check_not_negative("constant", "lr", lr);
  return [=](int64_t) { return lr; };
}

Schedule step_decay(double lr, int64_t every, double gamma) {
  check_not_negative("step_decay", "lr", lr);
  check_count("step_decay", "every", every, 1);
  check_not_negative("step_decay", "gamma", gamma);
  return [=](int64_t i) { return lr * std::pow(gamma, double(i / every)); };
}

Schedule multi_step(double lr, const std::vector<int64_t>& milestones, double gamma) {
  check_not_negative("multi_step", "lr", lr);
  check_not_negative("multi_step", "gamma", gamma);
  for (int64_t milestone : milestones) check_count("multi_step", "a milestone", milestone, 0);
  return [=](int64_t i) {
    auto passed = std::count_if(milestones.begin(), milestones.end(),
                                [=](int64_t milestone) { return milestone <= i; });
    return lr * std::pow(gamma, double(passed));
  };
}

Schedule cosine(double lr, int64_t total, double last) {
  check_not_negative("cosine", "lr", lr);
  check_count("cosine", "total", total, 1);
  check_not_negative("cosine", "last", last);
  const double steps = double(std::max<int64_t>(1, total - 1));
  return [=](int64_t i) { return half_cosine(lr, last, double(i) / steps); };
}

// From `start` to `middle` and on to `last`. The turn need not be a whole number.
static Schedule two_half_cosines(const OneCycle& cycle, double start, double middle, double last) {
  const char* op = "one_cycle";
  check_not_negative(op, "lr", cycle.lr);
  check_count(op, "total", cycle.total, 1);
  check_argument(op, "rising", cycle.rising, cycle.rising >= 0 && cycle.rising <= 1, "from 0 to 1");
  check_not_negative(op, "start", cycle.start);
  check_not_negative(op, "last", cycle.last);
  check_not_negative(op, "low_momentum", cycle.low_momentum);
  check_not_negative(op, "high_momentum", cycle.high_momentum);
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
  check_count("warm_up", "iterations", iterations, 0);
  check_not_negative("warm_up", "start", start);
  if (!after) throw Error("[warm_up] there is no schedule to follow");
  return [=](int64_t i) {
    if (i >= iterations) return after(i - iterations);
    return after(0) * (start + (1 - start) * double(i) / double(iterations));
  };
}

}  // namespace tweed
