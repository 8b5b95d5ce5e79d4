#include "autograd/argmax.h"

#include <limits>

#include "autograd/dispatch.h"
#include "autograd/elementwise.h"
#include "autograd/shape_ops.h"
#include "kernels/top.h"

namespace tweed {
namespace {

void check_places(const char* op, int64_t n) {
  if (n > std::numeric_limits<int32_t>::max()) fail(op, n, " elements are too many for int32");
}

Tensor arg_extreme_of(const char* op, const Tensor& x, int axis, bool keep_axis, bool largest) {
  const int i = axis < 0 ? axis + x.ndim() : axis;
  if (i < 0 || i >= x.ndim()) fail(op, "axis ", axis, " of ", x.shape());
  if (x.dim(i) < 1) fail(op, "no elements along axis ", axis, " of ", x.shape());
  check_places(op, x.dim(i));
  Shape shape = x.shape().part(0, i);
  if (keep_axis) shape.append(1);
  for (int64_t n : x.shape().part(i + 1, x.ndim())) shape.append(n);
  Tensor y = Tensor::empty(shape, DType::int32, x.device());
  dispatch(op, x, [&]<class T>(auto& here) {
    arg_extreme(here, largest, x.shape().product(0, i), x.shape().product(i + 1, x.ndim()),
                x.read<T>(), y.write<int32_t>());
  });
  return y;
}

// The last of equals is the first from the other end.
Tensor last_extreme_of(const char* op, const Tensor& x, int axis, bool keep_axis, bool largest) {
  const NoGrad no_grad;
  if (axis < -x.ndim() || axis >= x.ndim()) fail(op, "axis ", axis, " of ", x.shape());
  const Tensor from_end = arg_extreme_of(op, flip(x, axis), axis, keep_axis, largest);
  return (double(x.dim(axis) - 1) - from_end.to(DType::float64)).to(DType::int32);
}

}  // namespace

Tensor argmax(const Tensor& x, int axis, bool keep_axis, Ties ties) {
  return (ties == Ties::last ? last_extreme_of : arg_extreme_of)("argmax", x, axis, keep_axis,
                                                                 true);
}
Tensor argmin(const Tensor& x, int axis, bool keep_axis, Ties ties) {
  return (ties == Ties::last ? last_extreme_of : arg_extreme_of)("argmin", x, axis, keep_axis,
                                                                 false);
}

TopK top_k(const Tensor& x, int64_t k) {
  if (x.ndim() < 1 || k < 1 || k > x.dim(-1)) fail("top_k", k, " of ", x.shape());
  check_places("top_k", x.dim(-1));
  Shape from = x.shape(), to = from;
  to.set(-1, k);
  const int64_t rows = from.product(0, from.ndim() - 1);
  TopK top = {Tensor::empty(to, x.dtype(), x.device()),
              Tensor::empty(to, DType::int32, x.device())};
  dispatch("top_k", x, [&]<class T>(auto& here) {
    top_k_forward(here, rows, k, x.read<T>(), top.values.write<T>(), top.indexes.write<int32_t>());
  });
  top.values = record(
      "top_k", {x}, top.values, save(top.indexes), [=](const Saved& s, const Tensor& dy, Want) {
        Tensor dx = Tensor::empty(from, dy.dtype(), dy.device());
        dispatch("top_k", dy, [&]<class T>(auto& here) {
          top_k_backward(here, rows, k, s[0].read<int32_t>(), dy.read<T>(), dx.write<T>());
        });
        return Grads{dx};
      });
  return top;
}

}  // namespace tweed
