// Stochastic gradient descent.
#pragma once
#include "optim/optimizer.h"

namespace tweed {

/// PyTorch's SGD:
///
///   g = grad + weight_decay w;   v = momentum v + (1 - dampening) g;   w = w - lr v
///
/// With Nesterov's momentum, which takes no dampening, the last is w = w - lr (g + momentum v). As
/// in PyTorch the first step has v = g, and without momentum there is nothing to be dampened.
/// State: velocity. Weight decay applies to every parameter unless a rule says otherwise.
class SGD : public Optimizer {
 public:
  struct Options {
    double lr = 1e-3, momentum = 0, weight_decay = 0;
    bool nesterov = false;
    double dampening = 0;
  };
  /// @throws Error  "[sgd] momentum is nan, not a finite number from 0", for each option;
  ///                "[sgd] dampening is 0.5, not 0, which Nesterov's momentum needs"
  SGD(const Optimized& parameters, const Options& options);
  void set_momentum(double momentum) override;

 private:
  StepNumbers numbers(double lr, double weight_decay, int64_t step) const override;
  void update(const Part& part) override;

  Options options_;
};

}  // namespace tweed
