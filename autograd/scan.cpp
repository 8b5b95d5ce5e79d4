// Sums and products along axes, of autograd/reduce.h.
#include "kernels/lines/scan.h"

#include "autograd/dispatch.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"

namespace tweed {
namespace {

Tensor summed(const Lines& lines, bool reverse, bool exclusive, const Tensor& x) {
  Tensor y = Tensor::empty_like(x);
  dispatch("cumsum", x, [&]<class T>(auto& here) {
    cumsum(here, lines, reverse, exclusive, x.read<T>(), y.write<T>());
  });
  return y;
}

// The product over the neighbouring axes [first, last), which are gone then.
Tensor product_of_run(const Tensor& x, int first, int last) {
  const char* op = "prod";
  const Shape shape = x.shape();
  const Lines lines = {shape.product(0, first), shape.product(first, last),
                       shape.product(last, shape.ndim())};
  Shape rest = shape.part(0, first);
  for (int64_t n : shape.part(last, shape.ndim())) rest.append(n);
  Tensor y = Tensor::empty(rest, x.dtype(), x.device());
  dispatch(op, x, [&]<class T>(auto& here) { product(here, lines, x.read<T>(), y.write<T>()); });
  return record("prod", {x}, y, save(x), [=](const Saved& s, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty_like(s[0]);
    dispatch(op, dy, [&]<class T>(auto& here) {
      product_backward(here, lines, s[0].read<T>(), dy.read<T>(), dx.write<T>());
    });
    return Grads{dx};
  });
}

}  // namespace

Tensor cumsum(const Tensor& x, int axis, const CumsumOptions& options) {
  const int along = axis < 0 ? axis + x.ndim() : axis;
  if (along < 0 || along >= x.ndim()) fail("cumsum", "axis ", axis, " of ", x.shape());
  const Lines lines = {x.shape().product(0, along), x.dim(along),
                       x.shape().product(along + 1, x.ndim())};
  const bool reverse = options.reverse, exclusive = options.exclusive;
  return record("cumsum", {x}, summed(lines, reverse, exclusive, x), {},
                [=](const Saved&, const Tensor& dy, Want) {
                  return Grads{summed(lines, !reverse, exclusive, dy)};
                });
}

Tensor prod(const Tensor& x) { return product_of_run(x, 0, x.ndim()); }
Tensor prod(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  std::vector<bool> gone(std::size_t(x.ndim()));
  for (int axis : axes) {
    const int i = axis < 0 ? axis + x.ndim() : axis;
    if (i < 0 || i >= x.ndim()) fail("prod", "axis ", axis, " of ", x.shape());
    if (gone[std::size_t(i)]) fail("prod", "axis ", axis, " of ", x.shape(), " is given twice");
    gone[std::size_t(i)] = true;
  }
  // Run after run of neighbouring axes, the last first, so that the numbers of the others stay.
  Tensor y = x;
  for (int last = x.ndim(), first; last > 0; last = first - 1) {
    for (first = last; first > 0 && gone[std::size_t(first - 1)];) --first;
    if (first < last) y = product_of_run(y, first, last);
  }
  if (!keep_axes) return y;
  std::vector<int64_t> kept;
  for (int i = 0; i < x.ndim(); ++i) kept.push_back(gone[std::size_t(i)] ? 1 : x.dim(i));
  return axes.empty() ? y : reshape(y, kept);
}

}  // namespace tweed
