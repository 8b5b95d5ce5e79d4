// Normalisation layers that know no running statistics: the same in training and afterwards.
#pragma once
#include "nn/module.h"

namespace tweed {

/// Layer normalisation over the last axis; see layer_norm().
/// Parameters: weight (C) of ones, bias (C) of zeros.
class LayerNorm : public Module {
 public:
  explicit LayerNorm(int64_t channels, double eps = 1e-5);
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  double eps_;
  Tensor weight_, bias_;
};

}  // namespace tweed
