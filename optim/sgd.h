// Stochastic gradient descent.
#pragma once
#include "optim/optimizer.h"

namespace tweed {

/// PyTorch's SGD, without dampening:
///
///   g = grad + weight_decay w;   v = momentum v + g;   w = w - lr v
///
/// With Nesterov's momentum the last is w = w - lr (g + momentum v).
/// State: velocity. Weight decay applies to every parameter unless a rule says otherwise.
class SGD : public Optimizer {
 public:
  struct Options {
    double lr = 1e-3, momentum = 0, weight_decay = 0;
    bool nesterov = false;
  };
  /// @throws Error  "[sgd] momentum is nan, not a finite number from 0", for each option
  SGD(const Optimized& parameters, const Options& options);
  void set_momentum(double momentum) override;

 private:
  StepNumbers numbers(double lr, double weight_decay, int64_t step) const override;
  void update(const Part& part) override;

  Options options_;
};

}  // namespace tweed
