// Normalisations that do not depend on the batch. BatchNorm2d is in nn/layers.h.
#pragma once
#include "nn/module.h"

namespace tweed {

/// Normalises each row of (..., features); see layer_norm().
/// Parameters: weight (features) of ones, bias (features) of zeros.
class LayerNorm : public Module {
 public:
  explicit LayerNorm(int64_t features, double eps = 1e-5);
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  double eps_;
  Tensor weight_, bias_;
};

/// Normalises groups of neighbouring channels of each sample of (N, ..., channels); see
/// group_norm(). Parameters: weight (channels) of ones, bias (channels) of zeros.
/// @throws Error  "GroupNorm: 4 groups of 6 channels"
class GroupNorm : public Module {
 public:
  GroupNorm(int64_t groups, int64_t channels, double eps = 1e-5);
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  int64_t groups_;
  double eps_;
  Tensor weight_, bias_;
};

/// Normalises each row of (..., features) by its root mean square; see rms_norm().
/// Parameter: weight (features) of ones.
class RMSNorm : public Module {
 public:
  explicit RMSNorm(int64_t features, double eps = 0x1p-23);
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  double eps_;
  Tensor weight_;
};

struct InstanceNorm2dOptions {
  double eps = 1e-5;
  bool affine = false;  ///< has a scale and a shift for each channel
};
/// Normalises each channel of each sample of (N, ..., channels); see instance_norm().
/// Parameters, if it is affine: weight (channels) of ones, bias (channels) of zeros.
class InstanceNorm2d : public Module {
 public:
  explicit InstanceNorm2d(int64_t channels, const InstanceNorm2dOptions& options = {});
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  int64_t channels_;
  InstanceNorm2dOptions options_;
  Tensor weight_, bias_;
};

}  // namespace tweed
