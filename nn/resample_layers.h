// Images at another size, and borders, as layers.
#pragma once
#include "autograd/image_ops.h"
#include "autograd/window_options.h"
#include "nn/module.h"

namespace tweed {

/// Which pixels a pixel of another size is made of; see resize_nearest() and its relatives.
enum class Interpolation { nearest, nearest_exact, bilinear, bicubic };
/// "nearest", "nearest-exact", "bilinear", "bicubic", as PyTorch calls them.
const std::vector<std::string>& interpolation_names();
/// @throws Error  "no interpolation 'linear'; there are nearest, nearest-exact, bilinear, bicubic"
Interpolation interpolation_of(const std::string& name);

struct UpsampleOptions {
  Interpolation mode = Interpolation::nearest;
  bool align_corners = false;  ///< for bilinear and bicubic
};

/// (N, H, W, C) to a given size, or by a factor, whose product with H and W is rounded down.
/// PyTorch's nn.Upsample.
class Upsample : public Module {
 public:
  explicit Upsample(ResizeFactor factor, const UpsampleOptions& options = {});
  explicit Upsample(double factor, const UpsampleOptions& options = {})
      : Upsample(ResizeFactor{factor, factor}, options) {}
  static Upsample to(Pair size, const UpsampleOptions& options = {});
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  Upsample(Pair size, ResizeFactor factor, const UpsampleOptions& options);
  Pair size_;  // 0: by the factor
  ResizeFactor factor_;
  UpsampleOptions options_;
};

/// A border of (N, H, W, C): PyTorch's ConstantPad2d, ReflectionPad2d, ReplicationPad2d and
/// CircularPad2d; see pad().
class Pad2d : public Module {
 public:
  Pad2d(Padding border, PadMode mode) : border_(border), mode_(mode) {}
  Pad2d(Padding border, double value) : border_(border), mode_(PadMode::constant), value_(value) {}
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  Padding border_;
  PadMode mode_;
  double value_ = 0;
};

}  // namespace tweed
