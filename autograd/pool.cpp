#include "autograd/pool.h"

#include "autograd/dispatch.h"
#include "autograd/reduce.h"
#include "kernels/pool.h"

namespace tweed {
namespace {

Window window_of(const char* op, const Tensor& x, int64_t kernel, int64_t stride, int64_t padding) {
  if (x.ndim() != 4) fail(op, "needs (N, H, W, C), x is ", x.shape());
  if (kernel < 1 || stride < 0 || padding < 0 || 2 * padding > kernel)
    fail(op, "kernel ", kernel, ", stride ", stride, ", padding ", padding);
  if (x.dim(1) + 2 * padding < kernel || x.dim(2) + 2 * padding < kernel)
    fail(op, "a window of ", kernel, " does not fit ", x.shape(), " with padding ", padding);
  return {x.dim(0), x.dim(1), x.dim(2), x.dim(3), kernel, stride ? stride : kernel, padding};
}
Shape result_shape(const Window& w) { return {w.N, w.out_h(), w.out_w(), w.C}; }
Shape input_shape(const Window& w) { return {w.N, w.H, w.W, w.C}; }

}  // namespace

Tensor max_pool2d(const Tensor& x, int64_t kernel, int64_t stride, int64_t padding) {
  const Window w = window_of("max_pool2d", x, kernel, stride, padding);
  if (kernel > max_pool_largest_kernel) fail("max_pool2d", "kernel ", kernel, " is beyond 15");
  Tensor y = Tensor::empty(result_shape(w), x.dtype(), x.device());
  Tensor winner = Tensor::empty(result_shape(w), DType::uint8, x.device());
  dispatch("max_pool2d", x, [&]<class T>(auto& here) {
    max_pool_forward(here, w, x.read<T>(), y.write<T>(), winner.write<uint8_t>());
  });
  return record("max_pool2d", {x}, y, save(winner), [=](const Saved& s, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty(input_shape(w), dy.dtype(), dy.device());
    dispatch("max_pool2d", dy, [&]<class T>(auto& here) {
      max_pool_backward(here, w, dy.read<T>(), s[0].read<uint8_t>(), dx.write<T>());
    });
    return Grads{dx};
  });
}

Tensor avg_pool2d(const Tensor& x, int64_t kernel, int64_t stride, int64_t padding) {
  const Window w = window_of("avg_pool2d", x, kernel, stride, padding);
  Tensor y = Tensor::empty(result_shape(w), x.dtype(), x.device());
  dispatch("avg_pool2d", x,
           [&]<class T>(auto& here) { avg_pool_forward(here, w, x.read<T>(), y.write<T>()); });
  return record("avg_pool2d", {x}, y, {}, [=](const Saved&, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty(input_shape(w), dy.dtype(), dy.device());
    dispatch("avg_pool2d", dy,
             [&]<class T>(auto& here) { avg_pool_backward(here, w, dy.read<T>(), dx.write<T>()); });
    return Grads{dx};
  });
}

Tensor global_avg_pool(const Tensor& x) {
  if (x.ndim() != 4) fail("global_avg_pool", "needs (N, H, W, C), x is ", x.shape());
  return mean(x, {1, 2});
}

}  // namespace tweed
