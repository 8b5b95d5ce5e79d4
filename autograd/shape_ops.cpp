#include "autograd/shape_ops.h"

#include <array>

#include "autograd/describe.h"
#include "autograd/dispatch.h"
#include "kernels/rearrange.h"

namespace tweed {
namespace {

Tensor reshape_to(const Tensor& x, const Shape& shape) {
  const Shape from = x.shape();
  return record("reshape", {x}, x.reshape(shape), {},
                [=](const Saved&, const Tensor& dy, Want) { return Grads{dy.reshape(from)}; });
}

void copy_strided(const StridedCopy& copy, const Tensor& x, const Tensor& y) {
  dispatch_any(x,
               [&]<class T>(auto& here) { copy_strided(here, copy, x.read<T>(), y.write<T>()); });
}

int64_t stride_of(const Shape& shape, int axis) { return shape.product(axis + 1, shape.ndim()); }

// The axis counted from the front.
int axis_of(const char* op, int axis, const Shape& shape) {
  const int k = axis < 0 ? axis + shape.ndim() : axis;
  if (k < 0 || k >= shape.ndim()) fail(op, "axis ", axis, " of ", shape);
  return k;
}

// "{1, 2}"
std::string listed(const auto& numbers) {
  std::string text;
  for (auto n : numbers) text += (text.empty() ? "{" : ", ") + std::to_string(n);
  return (text.empty() ? "{" : text) + "}";
}

// An order of axes, as a plain value.
struct Order {
  int axis[Shape::max_axes] = {};

  Order inverse(int count) const {
    Order result;
    for (int k = 0; k < count; ++k) result.axis[axis[k]] = k;
    return result;
  }
};

Tensor permuted(const Tensor& x, const Order& order) {
  Shape shape = x.shape();
  for (int k = 0; k < x.ndim(); ++k) shape.set(k, x.dim(order.axis[k]));
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  StridedCopy copy;
  for (int k = 0; k < x.ndim(); ++k)
    copy.add({shape[k], stride_of(x.shape(), order.axis[k]), stride_of(shape, k)});
  copy_strided(copy, x, y);
  return y;
}

// Copies between `part` and the place in `whole` that begins `at` along each axis.
enum class Way { into_whole, out_of_whole };
void copy_part(Way way, const Tensor& whole, const Tensor& part, const Shape& at) {
  StridedCopy copy;
  int64_t& offset = way == Way::into_whole ? copy.y_offset : copy.x_offset;
  for (int k = 0; k < whole.ndim(); ++k) {
    const int64_t there = stride_of(whole.shape(), k), here = stride_of(part.shape(), k);
    offset += at[k] * there;
    copy.add(way == Way::into_whole ? CopyAxis{part.dim(k), here, there}
                                    : CopyAxis{part.dim(k), there, here});
  }
  if (way == Way::into_whole)
    copy_strided(copy, part, whole);
  else
    copy_strided(copy, whole, part);
}

// The place that begins `at` along one axis and at 0 along all others.
Shape place_along(int axis, int64_t at, int ndim) {
  Shape place;
  for (int k = 0; k < ndim; ++k) place.append(k == axis ? at : 0);
  return place;
}

Tensor cut_out(const Tensor& whole, const Shape& at, const Shape& size) {
  Tensor part = Tensor::empty(size, whole.dtype(), whole.device());
  copy_part(Way::out_of_whole, whole, part, at);
  return part;
}
Tensor set_into(const Tensor& part, const Shape& at, const Shape& size, double value) {
  Tensor whole = Tensor::full(size, value, part.dtype(), part.device());
  copy_part(Way::into_whole, whole, part, at);
  return whole;
}

Tensor flipped(const Tensor& x, int axis) {
  Tensor y = Tensor::empty_like(x);
  StridedCopy copy;
  for (int k = 0; k < x.ndim(); ++k) {
    const int64_t stride = stride_of(x.shape(), k);
    if (k == axis) copy.x_offset = (x.dim(k) - 1) * stride;
    copy.add({x.dim(k), k == axis ? -stride : stride, stride});
  }
  copy_strided(copy, x, y);
  return y;
}

}  // namespace

Tensor reshape(const Tensor& x, const std::vector<int64_t>& sizes) {
  return reshape_to(x, x.reshape(sizes).shape());
}

Tensor flatten(const Tensor& x) {
  if (x.ndim() < 2) fail("flatten", "x is ", x.shape());
  const Shape flat = {x.dim(0), x.shape().product(1, x.ndim())};
  if (x.ndim() != 4 || x.dim(1) * x.dim(2) == 1) return reshape_to(x, flat);
  const Order order = {{0, 3, 1, 2}};
  const Shape channels_first = {x.dim(0), x.dim(3), x.dim(1), x.dim(2)};
  return record("flatten", {x}, permuted(x, order).reshape(flat), {},
                [=](const Saved&, const Tensor& dy, Want) {
                  return Grads{permuted(dy.reshape(channels_first), order.inverse(4))};
                });
}

Tensor permute(const Tensor& x, const std::vector<int>& axes) {
  Order order;
  bool taken[Shape::max_axes] = {}, good = int(axes.size()) == x.ndim();
  for (int k = 0; good && k < x.ndim(); ++k) {
    const int axis = axes[std::size_t(k)] + (axes[std::size_t(k)] < 0 ? x.ndim() : 0);
    good = axis >= 0 && axis < x.ndim() && !taken[axis];
    if (good) taken[order.axis[k] = axis] = true;
  }
  if (!good) fail("permute", "axes ", listed(axes), " of ", x.shape());
  const Order back = order.inverse(x.ndim());
  return record("permute", {x}, permuted(x, order), {},
                [=](const Saved&, const Tensor& dy, Want) { return Grads{permuted(dy, back)}; });
}

Tensor slice(const Tensor& x, int axis, int64_t first, int64_t last) {
  const int along = axis_of("slice", axis, x.shape());
  if (first < 0 || last < first || last > x.dim(along))
    fail("slice", first, " to ", last, " along axis ", axis, " of ", x.shape());
  const Shape at = place_along(along, first, x.ndim()), whole = x.shape();
  Shape part = whole;
  part.set(along, last - first);
  return record("slice", {x}, cut_out(x, at, part), {}, [=](const Saved&, const Tensor& dy, Want) {
    return Grads{set_into(dy, at, whole, 0)};
  });
}

std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int axis) {
  const int along = axis_of("split", axis, x.shape());
  int64_t total = 0, at = 0;
  bool good = true;
  for (int64_t size : sizes) {
    good &= size >= 0;
    total += size;
  }
  if (!good || total != x.dim(along))
    fail("split", "sizes ", listed(sizes), " along axis ", axis, " of ", x.shape());
  std::vector<Tensor> parts;
  for (int64_t size : sizes) {
    parts.push_back(slice(x, along, at, at + size));
    at += size;
  }
  return parts;
}

Tensor pad(const Tensor& x, const PadAmounts& amounts, double value) {
  bool good = int(amounts.size()) == x.ndim();
  std::string text;
  for (auto& [before, after] : amounts) {
    good &= before >= 0 && after >= 0;
    text += (text.empty() ? "" : ", ") + listed(std::vector<int64_t>{before, after});
  }
  if (!good) fail("pad", "amounts {", text, "} for ", x.shape());
  const Shape inside = x.shape();
  Shape at, whole;
  for (int k = 0; k < x.ndim(); ++k) {
    const auto& [before, after] = amounts[std::size_t(k)];
    at.append(before);
    whole.append(before + x.dim(k) + after);
  }
  if (is_watched()) {
    Attributes about{{"mode", {double(PadMode::constant)}}, {"value", {value}}};
    for (auto& [before, after] : amounts) {
      about["before"].push_back(double(before));
      about["after"].push_back(double(after));
    }
    describe("pad", about);
  }
  return record(
      "pad", {x}, set_into(x, at, whole, value), {},
      [=](const Saved&, const Tensor& dy, Want) { return Grads{cut_out(dy, at, inside)}; });
}

static constexpr std::size_t most_inputs = 64;

// The graph knows at most 64 inputs of an operation: more are put together in groups first.
static Tensor concat_groups(const std::vector<Tensor>& tensors, int axis) {
  std::vector<Tensor> groups;
  for (std::size_t first = 0; first < tensors.size(); first += most_inputs) {
    const std::size_t last = std::min(tensors.size(), first + most_inputs);
    groups.push_back(concat(
        {tensors.begin() + std::ptrdiff_t(first), tensors.begin() + std::ptrdiff_t(last)}, axis));
  }
  return concat(groups, axis);
}

Tensor concat(const std::vector<Tensor>& tensors, int axis) {
  if (tensors.empty()) fail("concat", "takes a tensor or more");
  if (tensors.size() > most_inputs) return concat_groups(tensors, axis);
  check_alike("concat", tensors);
  Shape shape = tensors[0].shape();
  const int along = axis_of("concat", axis, shape);
  int64_t total = 0;
  for (auto& t : tensors) {
    Shape same = shape;
    if (t.ndim() == shape.ndim()) same.set(along, t.dim(along));
    if (t.shape() != same)
      fail("concat", "shapes ", tensors[0].shape(), " and ", t.shape(), " along axis ", axis);
    total += t.dim(along);
  }
  shape.set(along, total);
  Tensor y = Tensor::empty(shape, tensors[0].dtype(), tensors[0].device());
  std::array<int64_t, most_inputs> sizes = {};  // along the axis, for the backward pass
  int64_t at = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    copy_part(Way::into_whole, y, tensors[i], place_along(along, at, y.ndim()));
    at += sizes[i] = tensors[i].dim(along);
  }
  if (is_watched()) describe("concat", {{"axis", {double(along)}}});
  return record("concat", tensors, y, {},
                [=, count = tensors.size()](const Saved&, const Tensor& dy, Want want) {
                  Grads grads(count);
                  int64_t at = 0;
                  for (std::size_t i = 0; i < count; at += sizes[i++]) {
                    if (!want[int(i)]) continue;
                    Shape part = dy.shape();
                    part.set(along, sizes[i]);
                    grads[i] = cut_out(dy, place_along(along, at, dy.ndim()), part);
                  }
                  return grads;
                });
}

Tensor flip(const Tensor& x, int axis) {
  const int along = axis_of("flip", axis, x.shape());
  return record("flip", {x}, flipped(x, along), {},
                [=](const Saved&, const Tensor& dy, Want) { return Grads{flipped(dy, along)}; });
}

}  // namespace tweed
