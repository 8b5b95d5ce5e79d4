// The layers. Each docstring names the parameters as files know them.
#pragma once
#include "autograd/conv.h"
#include "autograd/matmul.h"
#include "nn/module.h"

namespace tweed {

/// Children called "0", "1", ..., or by name, applied one after another.
class Sequential : public Module {
 public:
  Sequential() = default;
  explicit Sequential(const std::vector<ModulePtr>& modules);
  Sequential& add(const ModulePtr& module);
  Sequential& add(const std::string& name, const ModulePtr& module);
  Tensor forward(const Tensor& x) override;
  std::string description() const override { return "Sequential"; }

 private:
  std::vector<ModulePtr> modules_;
};

/// How a layer's parameters start. The numbers depend on (seed, layer name) alone.
struct Init {
  uint64_t seed = 0;
  uint32_t layer = 0;  ///< counts the layers of a network
};

/// Options of Conv2d.
struct Conv2dOptions {
  int64_t stride = 1, padding = 0;
  bool bias = true;
  Activation activation = Activation::none;
};

/// Convolution of (N, H, W, in_channels) images by a square kernel; see conv2d().
/// Parameters: weight (out_channels, kernel, kernel, in_channels), bias (out_channels), both
/// initialised U(+-1/sqrt(fan_in)) as PyTorch does.
class Conv2d : public Module {
 public:
  Conv2d(int64_t in_channels, int64_t out_channels, int64_t kernel, const Conv2dOptions& options,
         Init init);
  Tensor forward(const Tensor& x) override;
  std::string description() const override;
  const Conv2dOptions& options() const { return options_; }
  const Tensor& weight() const { return weight_; }
  int64_t multiply_adds(const Shape& output) const override;

 private:
  Conv2dOptions options_;
  Tensor weight_, bias_;
};

/// y = activation(x weight^T + bias) on (..., in_features); see linear().
/// Parameters: weight (out_features, in_features), bias (out_features), U(+-1/sqrt(in_features)).
class Linear : public Module {
 public:
  Linear(int64_t in_features, int64_t out_features, Init init, bool bias = true,
         Activation activation = Activation::none);
  Tensor forward(const Tensor& x) override;
  std::string description() const override;
  int64_t multiply_adds(const Shape& output) const override;

 private:
  Activation activation_;
  Tensor weight_, bias_;
};

/// Batch normalisation over all axes but the last; see batch_norm().
/// Parameters: weight (C) of ones, bias (C) of zeros. Buffers: running_mean (C), running_var (C),
/// num_batches_tracked.
class BatchNorm2d : public Module {
 public:
  explicit BatchNorm2d(int64_t channels, double momentum = 0.1, double eps = 1e-5,
                       Activation activation = Activation::none);
  Tensor forward(const Tensor& x) override;
  std::string description() const override;
  /// From now on normalises by the running statistics and leaves them alone, in training too; for
  /// fine-tuning with few images. Gradients still flow to x, weight and bias. (torchvision's
  /// FrozenBatchNorm2d holds weight and bias as buffers, which have no gradients.)
  void freeze(bool on = true) { frozen_ = on; }

 private:
  double momentum_, eps_;
  Activation activation_;
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

/// See max_pool2d().
class MaxPool2d : public Module {
 public:
  explicit MaxPool2d(int64_t kernel, int64_t stride = 0, int64_t padding = 0,
                     bool ceil_mode = false)
      : kernel_(kernel),
        stride_(stride ? stride : kernel),
        padding_(padding),
        ceil_mode_(ceil_mode) {}
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  int64_t kernel_, stride_, padding_;
  bool ceil_mode_;
};

/// See avg_pool2d().
class AvgPool2d : public Module {
 public:
  explicit AvgPool2d(int64_t kernel, int64_t stride = 0, int64_t padding = 0,
                     bool ceil_mode = false, bool count_include_pad = true)
      : kernel_(kernel),
        stride_(stride ? stride : kernel),
        padding_(padding),
        ceil_mode_(ceil_mode),
        count_include_pad_(count_include_pad) {}
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  int64_t kernel_, stride_, padding_;
  bool ceil_mode_, count_include_pad_;
};

/// (N, H, W, C) to (N, out_h, out_w, C); see adaptive_avg_pool2d().
class AdaptiveAvgPool2d : public Module {
 public:
  AdaptiveAvgPool2d(int64_t out_h, int64_t out_w) : out_h_(out_h), out_w_(out_w) {}
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  int64_t out_h_, out_w_;
};

/// (N, H, W, C) to (N, C).
class GlobalAvgPool : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string description() const override { return "GlobalAvgPool"; }
};

/// (N, H, W, C) to (N, C H W) in PyTorch's order, so that a linear layer after it has its weights.
class Flatten : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string description() const override { return "Flatten"; }
};

}  // namespace tweed
