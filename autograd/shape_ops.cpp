#include "autograd/shape_ops.h"

#include "autograd/dispatch.h"
#include "kernels/rearrange.h"

namespace tweed {
namespace {

Tensor reshape_to(const Tensor& x, const Shape& shape) {
  const Shape from = x.shape();
  return record("reshape", {x}, x.reshape(shape), {},
                [=](const Saved&, const Tensor& dy, Want) { return Grads{dy.reshape(from)}; });
}

// (batch, rows, columns) to (batch, columns, rows), as a tensor of `shape`.
Tensor transposed(const Tensor& x, int64_t batch, int64_t rows, const Shape& shape) {
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  const int64_t columns = x.size() / (batch * rows);
  dispatch("flatten", x, [&]<class T>(auto& here) {
    transpose(here, batch, rows, columns, x.read<T>(), y.write<T>());
  });
  return y;
}

// Copies between `part`, which covers [at, at + part.dim(axis)) of the axis, and `whole`.
enum class Way { into_whole, out_of_whole };
void copy_part(Way way, const Tensor& whole, const Tensor& part, int axis, int64_t at) {
  const int64_t rows = whole.shape().product(0, axis);
  const int64_t inner = whole.shape().product(axis + 1, whole.ndim());
  const int64_t width = part.dim(axis) * inner, stride = whole.dim(axis) * inner;
  const int64_t offset = at * inner, rest = whole.size() - offset;
  if (part.size() == 0) return;
  dispatch("concat", whole, [&]<class T>(auto& here) {
    if (way == Way::into_whole)
      copy_rows(here, rows, width, part.read<T>(), width,
                Span<T>(whole.write<T>().data() + offset, rest), stride);
    else
      copy_rows(here, rows, width, Span<const T>(whole.read<T>().data() + offset, rest), stride,
                part.write<T>(), width);
  });
}

}  // namespace

Tensor reshape(const Tensor& x, const std::vector<int64_t>& sizes) {
  return reshape_to(x, x.reshape(sizes).shape());
}

Tensor flatten(const Tensor& x) {
  if (x.ndim() < 2) fail("flatten", "x is ", x.shape());
  const int64_t N = x.dim(0);
  const Shape flat = {N, x.shape().product(1, x.ndim())};
  if (x.ndim() != 4 || x.dim(1) * x.dim(2) == 1 || x.size() == 0) return reshape_to(x, flat);
  const Shape from = x.shape();
  const int64_t pixels = x.dim(1) * x.dim(2), C = x.dim(3);
  return record(
      "flatten", {x}, transposed(x, N, pixels, flat), {},
      [=](const Saved&, const Tensor& dy, Want) { return Grads{transposed(dy, N, C, from)}; });
}

Tensor concat(const std::vector<Tensor>& tensors, int axis) {
  if (tensors.empty() || tensors.size() > 64)
    fail("concat", "takes 1 to 64 tensors, not ", tensors.size());
  check_alike("concat", tensors);
  Shape shape = tensors[0].shape();
  const int along = axis < 0 ? axis + shape.ndim() : axis;
  if (along < 0 || along >= shape.ndim()) fail("concat", "axis ", axis, " of ", shape);
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
  // The tensors' sizes along the axis, for the way back; a tensor, since a vector is not captured.
  std::vector<double> sizes;
  int64_t at = 0;
  for (auto& t : tensors) {
    copy_part(Way::into_whole, y, t, along, at);
    at += t.dim(along);
    sizes.push_back(double(t.dim(along)));
  }
  return record("concat", tensors, y, save(Tensor::from(sizes, {int64_t(sizes.size())})),
                [=](const Saved& s, const Tensor& dy, Want want) {
                  Grads grads;
                  int64_t at = 0;
                  for (double size : s[0].to_vector<double>()) {
                    Shape part = dy.shape();
                    part.set(along, int64_t(size));
                    grads.emplace_back();
                    if (want[int(grads.size()) - 1]) {
                      grads.back() = Tensor::empty(part, dy.dtype(), dy.device());
                      copy_part(Way::out_of_whole, dy, grads.back(), along, at);
                    }
                    at += int64_t(size);
                  }
                  return grads;
                });
}

}  // namespace tweed
