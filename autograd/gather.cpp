#include "kernels/gather.h"

#include "autograd/dispatch.h"
#include "autograd/shape_ops.h"

namespace tweed {

static void check_indexes(const Tensor& x, const Tensor& indexes) {
  const char* op = "gather_rows";
  if (x.ndim() < 1 || indexes.ndim() != 1 || indexes.dtype() != DType::int32)
    fail(op, "x is ", x.shape(), ", indexes are ", indexes.dtype(), " ", indexes.shape());
  if (!(indexes.device() == x.device()))
    fail(op, "x is on ", x.device(), ", indexes on ", indexes.device());
  if (indexes.device().is_cuda()) return;
  const Span<const int32_t> values = indexes.read<int32_t>();
  for (int64_t i = 0; i < values.size(); ++i)
    if (values[i] < 0 || values[i] >= x.dim(0))
      fail(op, "index ", values[i], " at ", i, " is out of range for ", x.dim(0), " rows");
}

Tensor gather_rows(const Tensor& x, const Tensor& indexes) {
  check_indexes(x, indexes);
  const Shape from = x.shape();
  const int64_t width = from.product(1, x.ndim());
  Shape shape = from;
  shape.set(0, indexes.size());
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  dispatch("gather_rows", x, [&]<class T>(auto& here) {
    gather_rows_forward(here, width, x.read<T>(), indexes.read<int32_t>(), y.write<T>());
  });
  return record("gather_rows", {x}, y, save(indexes), [=](const Saved& s, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty(from, dy.dtype(), dy.device());
    Tensor first = Tensor::empty({from[0]}, DType::int32, dy.device());
    Tensor next = Tensor::empty_like(s[0]);
    dispatch("gather_rows", dy, [&]<class T>(auto& here) {
      gather_rows_backward(here, width, dy.read<T>(), s[0].read<int32_t>(), dx.write<T>(),
                           first.write<int32_t>(), next.write<int32_t>());
    });
    return Grads{dx};
  });
}

}  // namespace tweed
