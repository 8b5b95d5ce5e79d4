// RMSprop.
#pragma once
#include "optim/optimizer.h"

namespace tweed {

/// PyTorch's RMSprop:
///
///   g = grad + weight_decay w
///   s = alpha s + (1 - alpha) g^2;   m = alpha m + (1 - alpha) g if centered, else 0
///   b = momentum b + g / (sqrt(s - m^2) + eps);   w = w - lr b
///
/// Where rounding makes s - m^2 negative, it counts as 0 (PyTorch gives NaN).
/// State: square_avg (s), momentum_buffer (b), and grad_avg (m) if centered. Sources: Hinton 2012,
/// "Neural Networks for Machine Learning", lecture 6; centered: Graves 2013, arXiv:1308.0850
class RMSprop : public Optimizer {
 public:
  struct Options {
    double lr = 0.01, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0;
    bool centered = false;
  };
  /// @throws Error  "[rmsprop] alpha is 1.5, not from 0 to 1"; other options are finite and not
  ///                negative
  RMSprop(const Optimized& parameters, const Options& options);
  void set_momentum(double momentum) override;

 private:
  StepNumbers numbers(double lr, double weight_decay, int64_t step) const override;
  void update(const Part& part) override;

  Options options_;
};

}  // namespace tweed
