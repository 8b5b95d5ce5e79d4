// Convolutions as layers. Each docstring names the parameters as files know them.
#pragma once
#include "autograd/conv.h"
#include "autograd/conv/packing.h"
#include "nn/module.h"

namespace tweed {

/// Conv2dOptions::padding for a result as large as the image, as PyTorch's padding="same": a border
/// of dilation (kernel - 1) in all, of which the bottom and the right have one more pixel if it is
/// odd.
constexpr int64_t same_padding = -1;

struct Conv2dOptions {
  Pair stride = 1;
  Padding padding = 0;  ///< or same_padding, with a stride of 1
  Pair dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  Activation activation = Activation::none;
  /// A batch norm takes the result, whose statistics may be found on the way while training: see
  /// ConvOptions::moments. A hint, which changes no result but for rounding.
  bool norm_follows = false;
};

/// Convolution of (N, H, W, in_channels) images; see conv2d().
/// Parameters: weight (out_channels, KH, KW, in_channels / groups), bias (out_channels), both
/// initialised U(+-1/sqrt(fan_in)) as PyTorch does; see InitSeed for what they draw.
/// @throws ShapeError  "[conv2d] padding \"same\" takes a stride of 1, not 2"
/// @throws ShapeError  "[conv2d] 3 groups of 8 channels into 12"
class Conv2d : public Module {
 public:
  Conv2d(int64_t in_channels, int64_t out_channels, Pair kernel, const Conv2dOptions& options = {});
  Tensor forward(const Tensor& x) override;
  std::string description() const override;
  Packing image_packing(const Shape& images) const override {
    return wanted_packing(images, weight_, conv_options());
  }
  /// With the numbers for same_padding.
  const Conv2dOptions& options() const { return options_; }
  const Tensor& weight() const { return weight_; }
  int64_t multiply_adds(const Shape& output) const override;

 private:
  ConvOptions conv_options() const {
    return {.stride = options_.stride,
            .padding = options_.padding,
            .dilation = options_.dilation,
            .groups = options_.groups,
            .activation = options_.activation,
            .moments = training() && options_.norm_follows};
  }

  Conv2dOptions options_;
  bool same_;
  Tensor weight_, bias_;
};

struct ConvTranspose2dOptions {
  Pair stride = 1;
  Padding padding = 0;
  Pair output_padding = 0, dilation = 1;
  int64_t groups = 1;
  bool bias = true;
};

/// Transposed convolution of (N, H, W, in_channels) images; see conv_transpose2d().
/// Parameters: weight (in_channels, KH, KW, out_channels / groups), bias (out_channels), both
/// initialised U(+-1/sqrt(out_channels / groups KH KW)) as PyTorch does.
/// @throws ShapeError  "[conv_transpose2d] 3 groups of 8 channels into 12"
class ConvTranspose2d : public Module {
 public:
  ConvTranspose2d(int64_t in_channels, int64_t out_channels, Pair kernel,
                  const ConvTranspose2dOptions& options = {});
  Tensor forward(const Tensor& x) override;
  std::string description() const override;
  int64_t multiply_adds(const Shape& output) const override;

 private:
  ConvTranspose2dOptions options_;
  Tensor weight_, bias_;
};

struct Conv1dLayerOptions {
  int64_t stride = 1;
  int64_t padding = 0;  ///< on both sides, or same_padding, with a stride of 1
  int64_t dilation = 1, groups = 1;
  bool bias = true;
  Activation activation = Activation::none;
};

/// Convolution of sequences (N, L, in_channels); see conv1d().
/// Parameters: weight (out_channels, 1, kernel, in_channels / groups), whose axis of 1 files leave
/// out as PyTorch's do, and bias (out_channels), both initialised U(+-1/sqrt(fan_in)).
/// @throws ShapeError  as Conv2d
class Conv1d : public Module {
 public:
  Conv1d(int64_t in_channels, int64_t out_channels, int64_t kernel,
         const Conv1dLayerOptions& options = {});
  Tensor forward(const Tensor& x) override;
  std::string description() const override;
  int64_t multiply_adds(const Shape& output) const override;

 private:
  Conv1dLayerOptions options_;
  Pair padding_;  // before and after
  Tensor weight_, bias_;
};

}  // namespace tweed
