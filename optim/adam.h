// Adam and AdamW.
#pragma once
#include "optim/optimizer.h"

namespace tweed {

/// PyTorch's Adam:
///
///   g = grad + weight_decay w
///   m = beta1 m + (1 - beta1) g;   v = beta2 v + (1 - beta2) g^2
///   w = w - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps),   t = 1, 2, ...
///
/// If decoupled, the weights decay by themselves, w = w - lr weight_decay w, and g = grad: AdamW.
/// State: exp_avg (m), exp_avg_sq (v). Sources: Kingma, Ba 2014, arXiv:1412.6980; Loshchilov,
/// Hutter 2017, arXiv:1711.05101
class Adam : public Optimizer {
 public:
  struct Options {
    double lr = 1e-3, weight_decay = 0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    bool decoupled = false;
  };
  /// @throws Error  "[adam] beta1 is 1, not from 0 to below 1"; other options are finite and not
  ///                negative
  Adam(const Optimized& parameters, const Options& options);
  void set_momentum(double beta1) override;

 private:
  StepNumbers numbers(double lr, double weight_decay, int64_t step) const override;
  void update(const Part& part) override;

  Options options_;
};

}  // namespace tweed
