#include "autograd/indexing.h"

#include "autograd/dispatch.h"
#include "autograd/shape_ops.h"
#include "kernels/lines/pick.h"

namespace tweed {
namespace {

int from_front(const char* op, int axis, const Shape& shape) {
  const int k = axis < 0 ? axis + shape.ndim() : axis;
  if (k < 0 || k >= shape.ndim()) fail(op, "axis ", axis, " of ", shape);
  return k;
}

Lines lines_of(const Shape& shape, int axis) {
  return {shape.product(0, axis), shape[axis], shape.product(axis + 1, shape.ndim())};
}

void check_index(const char* op, const Tensor& x, const Tensor& index, int axis) {
  if (index.dtype() != DType::int32) fail(op, "index is ", index.dtype(), ", not int32");
  if (!(index.device() == x.device()))
    fail(op, "x is on ", x.device(), ", index on ", index.device());
  if (index.device().is_cuda()) return;
  const Span<const int32_t> values = index.read<int32_t>();
  for (int64_t i = 0; i < values.size(); ++i)
    if (values[i] < 0 || values[i] >= x.dim(axis))
      fail(op, "index ", values[i], " at ", i, " is out of range for ", x.dim(axis),
           " elements along axis ", axis);
}

// x cut to the length of index along all axes but one.
Tensor cut_to(const char* op, Tensor x, const Tensor& index, int axis) {
  bool fits = index.ndim() == x.ndim();
  for (int k = 0; fits && k < x.ndim(); ++k) fits = k == axis || index.dim(k) <= x.dim(k);
  if (!fits) fail(op, "index is ", index.shape(), ", x ", x.shape(), ", along axis ", axis);
  for (int k = 0; k < x.ndim(); ++k)
    if (k != axis && index.dim(k) < x.dim(k)) x = slice(x, k, 0, index.dim(k));
  return x;
}

// The axis, counted from the front, along which values go into x.
int check_places(const char* op, const Tensor& x, const Tensor& index, const Tensor& values,
                 int axis) {
  check_alike(op, {x, values});
  const int along = from_front(op, axis, x.shape());
  Shape same = x.shape();
  if (index.ndim() == x.ndim()) same.set(along, index.dim(along));
  if (index.shape() != values.shape() || index.shape() != same)
    fail(op, "index is ", index.shape(), ", values ", values.shape(), ", x ", x.shape(),
         ", along axis ", axis);
  check_index(op, x, index, along);
  return along;
}

Tensor added(const char* op, const Lines& lines, const Shape& shape, const Tensor& x,
             const Tensor& index, const Tensor& values) {
  Tensor y = Tensor::empty(shape, values.dtype(), values.device());
  Tensor sums = Tensor::empty(shape, accumulator_dtype(values), values.device());
  dispatch(op, values, [&]<class T>(auto& here) {
    scatter_add_along(here, lines, read_or_empty<T>(x), index.read<int32_t>(), values.read<T>(),
                      sums.write<acc_t<T>>(), y.write<T>());
  });
  return y;
}

Tensor gathered(const char* op, const Lines& lines, const Tensor& x, const Tensor& index) {
  Tensor y = Tensor::empty(index.shape(), x.dtype(), x.device());
  dispatch(op, x, [&]<class T>(auto& here) {
    gather_along(here, lines, x.read<T>(), index.read<int32_t>(), y.write<T>());
  });
  return y;
}

}  // namespace

Tensor gather(const Tensor& x, const Tensor& index, int axis) {
  const char* op = "gather";
  const int along = from_front(op, axis, x.shape());
  const Tensor from = cut_to(op, x, index, along);
  check_index(op, from, index, along);
  const Shape shape = from.shape();
  const Lines lines = lines_of(shape, along);
  return record("gather", {from}, gathered(op, lines, from, index), save(index),
                [=](const Saved& s, const Tensor& dy, Want) {
                  return Grads{added(op, lines, shape, {}, s[0], dy)};
                });
}

Tensor scatter_add(const Tensor& x, const Tensor& index, const Tensor& values, int axis) {
  const char* op = "scatter_add";
  const Lines lines = lines_of(x.shape(), check_places(op, x, index, values, axis));
  return record("scatter_add", {x, values}, added(op, lines, x.shape(), x, index, values),
                save(index), [=](const Saved& s, const Tensor& dy, Want want) {
                  return Grads{dy, want[1] ? gathered(op, lines, dy, s[0]) : Tensor()};
                });
}

Tensor scatter(const Tensor& x, const Tensor& index, const Tensor& values, int axis) {
  const char* op = "scatter";
  const Lines lines = lines_of(x.shape(), check_places(op, x, index, values, axis));
  const Shape picks = index.shape();
  Tensor last = Tensor::empty(x.shape(), DType::int32, x.device());
  Tensor y = Tensor::empty_like(x);
  dispatch(op, x, [&]<class T>(auto& here) {
    last_along(here, lines, index.read<int32_t>(), last.write<int32_t>());
    scatter_along(here, lines, last.read<int32_t>(), x.read<T>(), values.read<T>(), y.write<T>());
  });
  return record("scatter", {x, values}, y, save(last),
                [=](const Saved& s, const Tensor& dy, Want want) {
                  Tensor dx, dvalues;
                  if (want[0]) dx = Tensor::empty_like(dy);
                  if (want[1]) dvalues = Tensor::empty(picks, dy.dtype(), dy.device());
                  dispatch(op, dy, [&]<class T>(auto& here) {
                    scatter_along_backward(here, lines, s[0].read<int32_t>(), dy.read<T>(),
                                           write_or_empty<T>(dx), write_or_empty<T>(dvalues));
                  });
                  return Grads{dx, dvalues};
                });
}

Tensor index_select(const Tensor& x, const Tensor& indexes, int axis) {
  const int along = from_front("index_select", axis, x.shape());
  if (along == 0) return gather_rows(x, indexes);
  std::vector<int> swapped(std::size_t(x.ndim()));
  for (int k = 0; k < x.ndim(); ++k) swapped[std::size_t(k)] = k;
  std::swap(swapped[0], swapped[std::size_t(along)]);
  return permute(gather_rows(permute(x, swapped), indexes), swapped);
}

Tensor one_hot(const Tensor& labels, int64_t classes, DType dtype) {
  const char* op = "one_hot";
  if (labels.dtype() != DType::int32) fail(op, "labels are ", labels.dtype(), ", not int32");
  if (classes < 1) fail(op, classes, " classes");
  Shape shape = labels.shape();
  shape.append(classes);
  Tensor y = Tensor::empty(shape, dtype, labels.device());
  dispatch(op, y, [&]<class T>(auto& here) {
    one_hot(here, classes, labels.read<int32_t>(), y.write<T>());
  });
  return y;
}

}  // namespace tweed
