#include "nn/resample_layers.h"

#include <cmath>
#include <sstream>

namespace tweed {
namespace {

// The size of an axis by a factor, in double as PyTorch has it.
int64_t scaled(int64_t size, double factor) { return int64_t(std::floor(double(size) * factor)); }

}  // namespace

const std::vector<std::string>& interpolation_names() {
  static const std::vector<std::string> names = {"nearest", "nearest-exact", "bilinear", "bicubic"};
  return names;
}

Interpolation interpolation_of(const std::string& name) {
  std::string known;
  for (std::size_t i = 0; i < interpolation_names().size(); ++i) {
    if (name == interpolation_names()[i]) return Interpolation(int(i));
    known += (i ? ", " : "") + interpolation_names()[i];
  }
  throw Error("no interpolation '" + name + "'; there are " + known);
}

Upsample::Upsample(Pair size, ResizeFactor factor, const UpsampleOptions& options)
    : size_(size), factor_(factor), options_(options) {
  const bool by_copies =
      options.mode == Interpolation::nearest || options.mode == Interpolation::nearest_exact;
  if (by_copies && options.align_corners)
    throw ShapeError("[upsample] align_corners is for bilinear and bicubic alone");
}
Upsample::Upsample(ResizeFactor factor, const UpsampleOptions& options)
    : Upsample(0, factor, options) {
  if (!(factor.h > 0 && factor.w > 0 && std::isfinite(factor.h) && std::isfinite(factor.w)))
    fail("upsample", "factor ", factor.h, " x ", factor.w);
}
Upsample Upsample::to(Pair size, const UpsampleOptions& options) {
  if (size.h < 1 || size.w < 1) fail("upsample", "to ", size.h, " x ", size.w);
  return Upsample(size, {}, options);
}

Tensor Upsample::forward(const Tensor& x) {
  if (x.ndim() != 4) fail("upsample", "needs (N, H, W, C), x is ", x.shape());
  const int64_t height = size_.h ? size_.h : scaled(x.dim(1), factor_.h);
  const int64_t width = size_.w ? size_.w : scaled(x.dim(2), factor_.w);
  const ResizeOptions smooth = {.align_corners = options_.align_corners, .factor = factor_};
  switch (options_.mode) {
    case Interpolation::bilinear:
      return resize_bilinear(x, height, width, smooth);
    case Interpolation::bicubic:
      return resize_bicubic(x, height, width, smooth);
    default:
      return resize_nearest(
          x, height, width,
          {.exact = options_.mode == Interpolation::nearest_exact, .factor = factor_});
  }
}

std::string Upsample::description() const {
  std::ostringstream out;
  out << "Upsample(";
  if (size_.h)
    out << "to " << size_.h << " x " << size_.w;
  else if (factor_.h == factor_.w)
    out << "by " << factor_.h;
  else
    out << "by " << factor_.h << " x " << factor_.w;
  out << ", " << interpolation_names()[std::size_t(options_.mode)]
      << (options_.align_corners ? ", corners aligned)" : ")");
  return out.str();
}

Tensor Pad2d::forward(const Tensor& x) {
  const PadAmounts amounts = {
      {0, 0}, {border_.top, border_.bottom}, {border_.left, border_.right}, {0, 0}};
  return mode_ == PadMode::constant ? pad(x, amounts, value_) : pad(x, amounts, mode_);
}

std::string Pad2d::description() const {
  const char* names[] = {"ConstantPad2d", "ReflectionPad2d", "ReplicationPad2d", "CircularPad2d"};
  std::ostringstream out;
  out << names[int(mode_)] << "(" << border_.str();
  if (mode_ == PadMode::constant) out << ", value " << value_;
  out << ")";
  return out.str();
}

}  // namespace tweed
