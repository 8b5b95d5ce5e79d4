// The layers. Each docstring names the parameters as files know them.
#pragma once
#include "autograd/conv.h"
#include "autograd/conv/packing.h"
#include "autograd/matmul.h"
#include "nn/containers.h"
#include "nn/module.h"
#include "nn/pool_layers.h"

namespace tweed {

/// Conv2dOptions::padding for a result as large as the image, as PyTorch's padding="same": a border
/// of kernel - 1 in all, of which an even kernel has one more pixel at the bottom and on the right.
constexpr int64_t same_padding = -1;

struct Conv2dOptions {
  int64_t stride = 1;
  int64_t padding = 0;  ///< or same_padding, with a stride of 1
  bool bias = true;
  Activation activation = Activation::none;
  /// A batch norm takes the result, whose statistics may be found on the way while training: see
  /// ConvOptions::moments. A hint, which changes no result but for rounding.
  bool norm_follows = false;
};

/// Convolution of (N, H, W, in_channels) images by a square kernel; see conv2d().
/// Parameters: weight (out_channels, kernel, kernel, in_channels), bias (out_channels), both
/// initialised U(+-1/sqrt(fan_in)) as PyTorch does; see InitSeed for what they draw.
/// @throws ShapeError  "[conv2d] padding \"same\" takes a stride of 1, not 2"
class Conv2d : public Module {
 public:
  Conv2d(int64_t in_channels, int64_t out_channels, int64_t kernel,
         const Conv2dOptions& options = {});
  Tensor forward(const Tensor& x) override;
  std::string description() const override;
  Packing image_packing(const Shape& images) const override {
    return pads_unevenly() ? Module::image_packing(images)
                           : wanted_packing(images, weight_, conv_options());
  }
  /// With the number for same_padding, (kernel - 1) / 2.
  const Conv2dOptions& options() const { return options_; }
  const Tensor& weight() const { return weight_; }
  int64_t multiply_adds(const Shape& output) const override;

 private:
  // conv2d pads all sides alike: the pixel more that an even kernel needs is added beforehand.
  bool pads_unevenly() const { return same_ && weight_.dim(1) % 2 == 0; }
  ConvOptions conv_options() const {
    return {.stride = options_.stride,
            .padding = options_.padding,
            .activation = options_.activation,
            .moments = training() && options_.norm_follows};
  }

  Conv2dOptions options_;
  bool same_;
  Tensor weight_, bias_;
};

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
