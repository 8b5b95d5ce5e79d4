// The layers. Each docstring names the parameters as files know them.
#pragma once
#include "autograd/matmul.h"
#include "nn/containers.h"
#include "nn/conv_layers.h"
#include "nn/module.h"
#include "nn/pool_layers.h"

namespace tweed {

struct LinearOptions {
  bool bias = true;
  Activation activation = Activation::none;
};

/// y = activation(x weight^T + bias) on (..., in_features); see linear().
/// Parameters: weight (out_features, in_features), bias (out_features), U(+-1/sqrt(in_features)).
class Linear : public Module {
 public:
  Linear(int64_t in_features, int64_t out_features, const LinearOptions& options = {});
  int64_t in_features() const { return weight_.dim(1); }
  Tensor forward(const Tensor& x) override;
  std::string description() const override;
  int64_t multiply_adds(const Shape& output) const override;

 private:
  Activation activation_;
  Tensor weight_, bias_;
};

struct BatchNorm2dOptions {
  double momentum = 0.1, eps = 1e-5;
  Activation activation = Activation::none;
};

/// Batch normalisation over all axes but the last; see batch_norm().
/// Parameters: weight (C) of ones, bias (C) of zeros. Buffers: running_mean (C), running_var (C),
/// num_batches_tracked.
class BatchNorm2d : public Module {
 public:
  explicit BatchNorm2d(int64_t channels, const BatchNorm2dOptions& options = {});
  Tensor forward(const Tensor& x) override;
  std::string description() const override;
  /// From now on normalises by the running statistics and leaves them alone, in training too; for
  /// fine-tuning with few images. Gradients still flow to x, weight and bias. (torchvision's
  /// FrozenBatchNorm2d holds weight and bias as buffers, which have no gradients.)
  void freeze(bool on = true) { frozen_ = on; }

 private:
  BatchNorm2dOptions options_;
  bool frozen_ = false;
  Tensor weight_, bias_, running_mean_, running_var_, batches_;
};

/// Zeroes whole channels of a sample with probability p while training, and scales the others.
class Dropout2d : public Module {
 public:
  explicit Dropout2d(double p = 0.5) : p_(p) {}
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  double p_;
};

/// Zeroes elements with probability p while training, and scales the others.
class Dropout : public Module {
 public:
  explicit Dropout(double p = 0.5) : p_(p) {}
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  double p_;
};

/// Zeroes whole samples with probability p while training, and scales the others; see drop_path().
class DropPath : public Module {
 public:
  explicit DropPath(double p) : p_(p) {}
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  double p_;
};

/// (N, H, W, C) to (N, C H W) in PyTorch's order, so that a linear layer after it has its weights.
class Flatten : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string description() const override { return "Flatten"; }
};

}  // namespace tweed
