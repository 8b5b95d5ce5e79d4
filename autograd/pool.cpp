#include "autograd/pool.h"

#include "autograd/describe.h"
#include "autograd/dispatch.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "kernels/pool.h"

namespace tweed {
namespace {

void check_image(const char* op, const Tensor& x) {
  if (x.ndim() != 4) fail(op, "needs (N, H, W, C), x is ", x.shape());
}

// One axis of sliding windows; a kernel of 0 if the numbers make no sense.
WindowAxis axis_of(int64_t kernel, int64_t stride, int64_t before, int64_t after, int64_t dilation,
                   bool ceil_mode) {
  const WindowAxis axis = {kernel, stride ? stride : kernel, before, after, dilation, ceil_mode};
  const bool good = kernel >= 1 && stride >= 0 && before >= 0 && after >= 0 && dilation >= 1 &&
                    before < axis.span() && after < axis.span() && before + after <= axis.span();
  return good ? axis : WindowAxis{.kernel = 0};
}

PoolWindows sliding(const char* op, const Tensor& x, Pair kernel, const PoolOptions& o) {
  check_image(op, x);
  const Padding& p = o.padding;
  const WindowAxis rows = axis_of(kernel.h, o.stride.h, p.top, p.bottom, o.dilation.h, o.ceil_mode);
  const WindowAxis columns =
      axis_of(kernel.w, o.stride.w, p.left, p.right, o.dilation.w, o.ceil_mode);
  const std::string dilated = o.dilation == 1 ? "" : ", dilation " + o.dilation.str();
  if (!rows.kernel || !columns.kernel)
    fail(op, "kernel ", kernel.str(), ", stride ", o.stride.str(), ", padding ", p.str(), dilated);
  auto fits = [&](const WindowAxis& axis, int64_t size) {
    const int64_t beyond = o.ceil_mode ? axis.stride - 1 : 0;
    return size >= 1 && axis.fits(size + beyond);
  };
  if (!fits(rows, x.dim(1)) || !fits(columns, x.dim(2)))
    fail(op, "a window of ", kernel.str(), dilated, " does not fit ", x.shape(), " with padding ",
         p.str());
  return {x.dim(0),
          x.dim(3),
          {x.dim(1), rows.out(x.dim(1)), rows},
          {x.dim(2), columns.out(x.dim(2)), columns}};
}

PoolWindows adaptive(const char* op, const Tensor& x, int64_t out_h, int64_t out_w) {
  check_image(op, x);
  if (out_h < 1 || out_w < 1 || x.dim(1) < 1 || x.dim(2) < 1)
    fail(op, x.shape(), " to ", out_h, " x ", out_w);
  return {x.dim(0), x.dim(3), {x.dim(1), out_h}, {x.dim(2), out_w}};
}

Shape result_of(const PoolWindows& p) { return {p.N, p.rows.out, p.columns.out, p.C}; }

// What others need to know of windows that slide.
void describe_sliding(const char* op, const PoolWindows& p,
                      Activation activation = Activation::none) {
  if (!is_watched() || p.rows.is_adaptive()) return;
  const WindowAxis &h = p.rows.slides, &w = p.columns.slides;
  auto both = [](int64_t a, int64_t b) { return std::vector<double>{double(a), double(b)}; };
  describe(op, {{"kernel", both(h.kernel, w.kernel)},
                {"stride", both(h.stride, w.stride)},
                {"before", both(h.before, w.before)},
                {"after", both(h.after, w.after)},
                {"dilation", both(h.dilation, w.dilation)},
                {"count_padding", {double(p.rows.count_padding)}},
                {"relu", {double(activation == Activation::relu)}}});
}

Tensor average(const char* op, const Tensor& x, const PoolWindows& windows) {
  const Shape from = x.shape();
  Tensor y = Tensor::empty(result_of(windows), x.dtype(), x.device());
  dispatch(op, x, [&]<class T>(auto& here) {
    avg_pool_forward(here, windows, x.read<T>(), y.write<T>());
  });
  describe_sliding(op, windows);
  return record(op, {x}, y, {}, [=](const Saved&, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty(from, dy.dtype(), dy.device());
    dispatch(op, dy, [&]<class T>(auto& here) {
      avg_pool_backward(here, windows, dy.read<T>(), dx.write<T>());
    });
    return Grads{dx};
  });
}

// I numbers the taps of a window.
template <class I>
Tensor largest(const char* op, const Tensor& x, const PoolWindows& windows, Activation activation) {
  const Shape from = x.shape();
  Tensor y = Tensor::empty(result_of(windows), x.dtype(), x.device());
  Tensor winner = Tensor::empty(y.shape(), dtype_of<I>(), x.device());
  dispatch(op, x, [&]<class T>(auto& here) {
    max_pool_forward(here, windows, activation, x.read<T>(), y.write<T>(), winner.write<I>());
  });
  describe_sliding(op, windows, activation);
  return record(op, {x}, y, save(winner), [=](const Saved& s, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty(from, dy.dtype(), dy.device());
    dispatch(op, dy, [&]<class T>(auto& here) {
      max_pool_backward(here, windows, dy.read<T>(), s[0].read<I>(), dx.write<T>());
    });
    return Grads{dx};
  });
}
Tensor largest(const char* op, const Tensor& x, const PoolWindows& windows,
               Activation activation = Activation::none) {
  return windows.taps() <= most_taps<uint8_t> ? largest<uint8_t>(op, x, windows, activation)
                                              : largest<int32_t>(op, x, windows, activation);
}

// f of a sequence (N, L, C) as images of height 1.
template <class F>
Tensor of_sequence(const char* op, const Tensor& x, F f) {
  if (x.ndim() != 3) fail(op, "needs (N, L, C), x is ", x.shape());
  const Tensor y = f(reshape(x, {x.dim(0), 1, x.dim(1), x.dim(2)}));
  return reshape(y, {y.dim(0), y.dim(2), y.dim(3)});
}

}  // namespace

Tensor max_pool2d(const Tensor& x, Pair kernel, const PoolOptions& o) {
  return largest("max_pool2d", x, sliding("max_pool2d", x, kernel, o), o.activation);
}

Tensor avg_pool2d(const Tensor& x, Pair kernel, const AvgPoolOptions& o) {
  PoolWindows windows = sliding("avg_pool2d", x, kernel, {o.stride, o.padding, o.ceil_mode});
  windows.rows.count_padding = windows.columns.count_padding = o.count_include_pad;
  return average("avg_pool2d", x, windows);
}

Tensor adaptive_avg_pool2d(const Tensor& x, int64_t out_h, int64_t out_w) {
  return average("adaptive_avg_pool2d", x, adaptive("adaptive_avg_pool2d", x, out_h, out_w));
}

Tensor adaptive_max_pool2d(const Tensor& x, int64_t out_h, int64_t out_w) {
  return largest("adaptive_max_pool2d", x, adaptive("adaptive_max_pool2d", x, out_h, out_w));
}

Tensor global_avg_pool(const Tensor& x) {
  check_image("global_avg_pool", x);
  return mean(x, {1, 2});
}

Tensor global_max_pool(const Tensor& x) {
  check_image("global_max_pool", x);
  return reshape(adaptive_max_pool2d(x, 1, 1), {x.dim(0), x.dim(3)});
}

Tensor max_pool1d(const Tensor& x, int64_t kernel, const Pool1dOptions& o) {
  return of_sequence("max_pool1d", x, [&](const Tensor& images) {
    return max_pool2d(images, {1, kernel},
                      {{1, o.stride}, {0, o.padding}, o.ceil_mode, {1, o.dilation}});
  });
}

Tensor avg_pool1d(const Tensor& x, int64_t kernel, const AvgPool1dOptions& o) {
  return of_sequence("avg_pool1d", x, [&](const Tensor& images) {
    return avg_pool2d(images, {1, kernel},
                      {{1, o.stride}, {0, o.padding}, o.ceil_mode, o.count_include_pad});
  });
}

Tensor adaptive_avg_pool1d(const Tensor& x, int64_t out) {
  return of_sequence("adaptive_avg_pool1d", x,
                     [&](const Tensor& images) { return adaptive_avg_pool2d(images, 1, out); });
}

}  // namespace tweed
