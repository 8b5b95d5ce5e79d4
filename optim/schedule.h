// Learning rates over time, per iteration.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

namespace tweed {

/// The learning rate (or momentum) of iteration i, counted from 0. It has no state: a resumed run
/// goes on at its iteration.
///
///   Schedule rate = warm_up(500, cosine(0.1, 9'500));
///   for (i...) { optimizer.set_lr(rate(i)); ... }
///
/// The functions below throw Error("[step_decay] every is 0, not 1 or more") and the like: rates
/// and factors are finite and not negative, totals and `every` at least 1, other counts at least 0.
using Schedule = std::function<double(int64_t)>;

Schedule constant(double lr);
/// Times gamma after every `every` iterations: PyTorch's StepLR.
Schedule step_decay(double lr, int64_t every, double gamma = 0.1);
/// Times gamma at each milestone: PyTorch's MultiStepLR.
Schedule multi_step(double lr, const std::vector<int64_t>& milestones, double gamma = 0.1);
/// A half cosine from lr to `last` at iteration total - 1, where it stays: PyTorch's
/// CosineAnnealingLR with T_max = total - 1.
Schedule cosine(double lr, int64_t total, double last = 0);

/// PyTorch's OneCycleLR with its defaults: half cosines up to `lr` and down to next to nothing.
struct OneCycle {
  double lr = 0.1;                 ///< the highest
  int64_t total = 1;               ///< iterations
  double rising = 0.3;             ///< their part in which the rate rises, from 0 to 1
  double start = 1. / 25;          ///< of lr
  double last = 1. / 25 / 10'000;  ///< of lr
  double low_momentum = 0.85, high_momentum = 0.95;
};
Schedule one_cycle(const OneCycle& cycle);
/// Falls while the rate rises and the other way round; for Optimizer::set_momentum().
Schedule one_cycle_momentum(const OneCycle& cycle);

/// Linear from `start` times the first rate over the first `iterations`, then `after` from its
/// beginning.
Schedule warm_up(int64_t iterations, const Schedule& after, double start = 0);

}  // namespace tweed
