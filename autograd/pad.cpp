#include "kernels/pad.h"

#include "autograd/describe.h"
#include "autograd/dispatch.h"
#include "autograd/shape_ops.h"

namespace tweed {
namespace {

// How many elements before and after each axis, as a plain value.
struct Borders {
  int64_t before[Shape::max_axes] = {}, after[Shape::max_axes] = {};
  PadMode mode;

  // The pass along an axis of `shape`, the size before it.
  PadPass along(int axis, const Shape& shape) const {
    return {shape.product(0, axis), shape[axis], shape.product(axis + 1, shape.ndim()),
            before[axis],           after[axis], mode};
  }
  bool has(int axis) const { return before[axis] || after[axis]; }
};

// "{{1, 2}, {0, 0}}"
std::string listed(const PadAmounts& amounts) {
  std::string text;
  for (auto& [before, after] : amounts)
    text +=
        (text.empty() ? "{" : ", {") + std::to_string(before) + ", " + std::to_string(after) + "}";
  return "{" + text + "}";
}

// The widest border that an axis of so many elements can have.
int64_t widest(PadMode mode, int64_t size) {
  if (mode == PadMode::reflect) return size - 1;
  if (mode == PadMode::circular) return size;
  return size ? INT64_MAX : 0;
}

const char* name_of(PadMode mode) {
  return mode == PadMode::reflect     ? "reflect"
         : mode == PadMode::replicate ? "replicate"
                                      : "circular";
}

Tensor padded(const Tensor& x, const Borders& borders) {
  Tensor y = x;
  for (int axis = 0; axis < x.ndim(); ++axis) {
    if (!borders.has(axis)) continue;
    const PadPass pass = borders.along(axis, y.shape());
    Shape shape = y.shape();
    shape.set(axis, pass.out());
    const Tensor wider = Tensor::empty(shape, x.dtype(), x.device());
    dispatch("pad", x,
             [&]<class T>(auto& here) { pad_forward(here, pass, y.read<T>(), wider.write<T>()); });
    y = wider;
  }
  return y;
}

// The way back; `inside` is the shape before.
Tensor gathered(const Tensor& dy, const Borders& borders, const Shape& inside) {
  Tensor dx = dy;
  for (int axis = inside.ndim() - 1; axis >= 0; --axis) {
    if (!borders.has(axis)) continue;
    Shape shape = dx.shape();
    shape.set(axis, inside[axis]);
    const PadPass pass = borders.along(axis, shape);
    const Tensor narrower = Tensor::empty(shape, dy.dtype(), dy.device());
    dispatch("pad", dy, [&]<class T>(auto& here) {
      pad_backward(here, pass, dx.read<T>(), narrower.write<T>());
    });
    dx = narrower;
  }
  return dx;
}

Borders checked(const Tensor& x, const PadAmounts& amounts, PadMode mode) {
  const std::string text = listed(amounts) + " for " + x.shape().str();
  if (int(amounts.size()) != x.ndim()) fail("pad", "amounts ", text);
  Borders borders{.mode = mode};
  for (int axis = 0; axis < x.ndim(); ++axis) {
    const auto& [before, after] = amounts[std::size_t(axis)];
    if (before < 0 || after < 0) fail("pad", "amounts ", text);
    if (std::max(before, after) > widest(mode, x.dim(axis)))
      fail("pad", "amounts ", text, ": ", name_of(mode), " takes at most ",
           widest(mode, x.dim(axis)), " along axis ", axis);
    borders.before[axis] = before;
    borders.after[axis] = after;
  }
  return borders;
}

}  // namespace

Tensor pad(const Tensor& x, const PadAmounts& amounts, PadMode mode) {
  if (mode == PadMode::constant) return pad(x, amounts, 0.0);
  const Borders borders = checked(x, amounts, mode);
  const Shape inside = x.shape();
  if (is_watched()) {
    Attributes about{{"mode", {double(mode)}}};
    for (auto& [before, after] : amounts) {
      about["before"].push_back(double(before));
      about["after"].push_back(double(after));
    }
    describe("pad", about);
  }
  const Tensor y = padded(x, borders);
  return record(
      "pad", {x}, y.shape() == inside ? x.clone() : y, {},
      [=](const Saved&, const Tensor& dy, Want) { return Grads{gathered(dy, borders, inside)}; });
}

}  // namespace tweed
