#include "autograd/pool.h"

#include "autograd/describe.h"
#include "autograd/dispatch.h"
#include "autograd/reduce.h"
#include "kernels/pool.h"

namespace tweed {
namespace {

void check_image(const char* op, const Tensor& x) {
  if (x.ndim() != 4) fail(op, "needs (N, H, W, C), x is ", x.shape());
}

Window window_of(const char* op, const Tensor& x, int64_t kernel, int64_t stride, int64_t padding,
                 bool ceil_mode) {
  check_image(op, x);
  if (kernel < 1 || stride < 0 || padding < 0 || 2 * padding > kernel)
    fail(op, "kernel ", kernel, ", stride ", stride, ", padding ", padding);
  const int64_t step = stride ? stride : kernel, beyond = ceil_mode ? step - 1 : 0;
  const int64_t smaller = std::min(x.dim(1), x.dim(2));
  if (smaller < 1 || smaller + 2 * padding + beyond < kernel)
    fail(op, "a window of ", kernel, " does not fit ", x.shape(), " with padding ", padding);
  return {x.dim(0), x.dim(1), x.dim(2), x.dim(3), kernel, step, padding, ceil_mode};
}

Tensor average(const char* op, const Tensor& x, const AvgPool& pool) {
  const Shape from = x.shape();
  Tensor y =
      Tensor::empty({pool.N, pool.rows.out, pool.columns.out, pool.C}, x.dtype(), x.device());
  dispatch(op, x,
           [&]<class T>(auto& here) { avg_pool_forward(here, pool, x.read<T>(), y.write<T>()); });
  if (is_watched())
    describe(op, {{"kernel", {double(pool.rows.kernel)}},
                  {"stride", {double(pool.rows.stride)}},
                  {"padding", {double(pool.rows.padding)}},
                  {"count_padding", {double(pool.rows.count_padding)}}});
  return record(op, {x}, y, {}, [=](const Saved&, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty(from, dy.dtype(), dy.device());
    dispatch(op, dy, [&]<class T>(auto& here) {
      avg_pool_backward(here, pool, dy.read<T>(), dx.write<T>());
    });
    return Grads{dx};
  });
}

}  // namespace

Tensor max_pool2d(const Tensor& x, int64_t kernel, const PoolOptions& o) {
  const Window w = window_of("max_pool2d", x, kernel, o.stride, o.padding, o.ceil_mode);
  if (kernel > max_pool_largest_kernel) fail("max_pool2d", "kernel ", kernel, " is beyond 15");
  const Shape from = x.shape(), to = {w.N, w.out_h(), w.out_w(), w.C};
  Tensor y = Tensor::empty(to, x.dtype(), x.device());
  Tensor winner = Tensor::empty(to, DType::uint8, x.device());
  dispatch("max_pool2d", x, [&]<class T>(auto& here) {
    max_pool_forward(here, w, x.read<T>(), y.write<T>(), winner.write<uint8_t>());
  });
  if (is_watched())
    describe("max_pool2d", {{"kernel", {double(kernel)}},
                            {"stride", {double(w.stride)}},
                            {"padding", {double(o.padding)}}});
  return record("max_pool2d", {x}, y, save(winner), [=](const Saved& s, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty(from, dy.dtype(), dy.device());
    dispatch("max_pool2d", dy, [&]<class T>(auto& here) {
      max_pool_backward(here, w, dy.read<T>(), s[0].read<uint8_t>(), dx.write<T>());
    });
    return Grads{dx};
  });
}

Tensor avg_pool2d(const Tensor& x, int64_t kernel, const AvgPoolOptions& o) {
  const Window w = window_of("avg_pool2d", x, kernel, o.stride, o.padding, o.ceil_mode);
  auto axis = [&](int64_t size) {
    return PoolAxis{size, w.out(size), kernel, w.stride, o.padding, o.count_include_pad};
  };
  return average("avg_pool2d", x, {w.N, w.C, axis(w.H), axis(w.W)});
}

Tensor adaptive_avg_pool2d(const Tensor& x, int64_t out_h, int64_t out_w) {
  check_image("adaptive_avg_pool2d", x);
  if (out_h < 1 || out_w < 1 || x.dim(1) < 1 || x.dim(2) < 1)
    fail("adaptive_avg_pool2d", x.shape(), " to ", out_h, " x ", out_w);
  return average("adaptive_avg_pool2d", x,
                 {x.dim(0), x.dim(3), {x.dim(1), out_h}, {x.dim(2), out_w}});
}

Tensor global_avg_pool(const Tensor& x) {
  check_image("global_avg_pool", x);
  return mean(x, {1, 2});
}

}  // namespace tweed
