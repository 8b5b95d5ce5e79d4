// Lion.
#pragma once
#include "optim/optimizer.h"

namespace tweed {

/// Steps of one size, by the sign of a moving average of gradients:
///
///   w = w - lr (sign(beta1 m + (1 - beta1) grad) + weight_decay w)
///   m = beta2 m + (1 - beta2) grad
///
/// A zero has no sign, and its weight only decays. Every weight moves by lr, so rates are three to
/// ten times smaller than AdamW's, and weight decay is as much larger.
/// State: exp_avg (m). Source: Chen 2023, arXiv:2302.06675
class Lion : public Optimizer {
 public:
  struct Options {
    double lr = 1e-4, weight_decay = 0, beta1 = 0.9, beta2 = 0.99;
  };
  /// @throws Error  "[lion] beta1 is 1, not from 0 to below 1"; other options are finite and not
  ///                negative
  Lion(const Optimized& parameters, const Options& options);
  void set_momentum(double beta1) override;

 private:
  StepNumbers numbers(double lr, double weight_decay, int64_t step) const override;
  void update(const Part& part) override;

  Options options_;
};

}  // namespace tweed
