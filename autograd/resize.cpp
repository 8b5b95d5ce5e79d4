#include "kernels/resize.h"

#include "autograd/describe.h"
#include "autograd/dispatch.h"
#include "autograd/image_ops.h"
#include "kernels/resample.h"

namespace tweed {
namespace {

void check_sizes(const char* op, const Tensor& x, int64_t height, int64_t width) {
  if (x.ndim() != 4) fail(op, "needs (N, H, W, C), x is ", x.shape());
  if (height < 1 || width < 1 || x.dim(1) < 1 || x.dim(2) < 1)
    fail(op, x.shape(), " to ", height, " x ", width);
}
void check_factor(const char* op, const ResizeFactor& factor) {
  if (!(factor.h >= 0 && factor.w >= 0)) fail(op, "factor ", factor.h, " x ", factor.w);
}

// What exporters need to know.
void describe_resize(const char* op, Filter filter, const ResizeOptions& o) {
  if (is_watched())
    describe(op, {{"factor", {o.factor.h, o.factor.w}},
                  {"exact", {double(filter == Filter::nearest_exact)}},
                  {"align_corners", {double(o.align_corners)}},
                  {"antialias", {double(o.antialias)}}});
}

ResizeRule rule_of(Filter filter, int64_t size, int64_t out, double factor,
                   const ResizeOptions& o) {
  double scale = factor > 0 ? 1 / factor : double(size) / double(out);
  if (o.align_corners) scale = out > 1 ? double(size - 1) / double(out - 1) : 0;
  return {size, out, filter, scale, o.align_corners, o.antialias};
}

// The axis of images that a pass resizes, 1 or 2, and how.
struct Pass {
  int axis;
  ResizeRule rule;

  // Of images that have the sizes of `shape` along all other axes.
  ResizePass of(const Shape& shape) const {
    return {shape.product(0, axis), rule.size, rule.out, rule.taps(),
            shape.product(axis + 1, shape.ndim())};
  }
};

// Both passes, in the order in which there is less between them.
struct Passes {
  Pass first, second;
  Passes(const ResizeRule& rows, const ResizeRule& columns) : first{1, rows}, second{2, columns} {
    if (rows.size * columns.out < rows.out * columns.size) std::swap(first, second);
  }
};

struct Table {
  Tensor first, weight;
};
Table table_of(const char* op, const Tensor& like, const ResizeRule& rule) {
  const Table table = {
      Tensor::empty({rule.out}, DType::int32, like.device()),
      Tensor::empty({rule.out, rule.taps()}, accumulator_dtype(like), like.device())};
  dispatch(op, like, [&]<class T>(auto& here) {
    resize_table(here, rule, table.first.write<int32_t>(), table.weight.write<acc_t<T>>());
  });
  return table;
}

Tensor forward_pass(const char* op, const Pass& pass, const Table& table, const Tensor& x) {
  Shape shape = x.shape();
  shape.set(pass.axis, pass.rule.out);
  const Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  dispatch(op, x, [&]<class T>(auto& here) {
    using A = acc_t<T>;
    if constexpr (std::is_same_v<T, A>)
      resize_axis_forward(here, pass.of(shape), table.first.read<int32_t>(), table.weight.read<A>(),
                          x.read<A>(), y.write<A>());
  });
  return y;
}
Tensor backward_pass(const char* op, const Pass& pass, const Tensor& first, const Tensor& weight,
                     const Tensor& dy) {
  Shape shape = dy.shape();
  shape.set(pass.axis, pass.rule.size);
  const Tensor dx = Tensor::empty(shape, dy.dtype(), dy.device());
  dispatch(op, dy, [&]<class T>(auto& here) {
    using A = acc_t<T>;
    if constexpr (std::is_same_v<T, A>)
      resize_axis_backward(here, pass.of(shape), first.read<int32_t>(), weight.read<A>(),
                           dy.read<A>(), dx.write<A>());
  });
  return dx;
}

// bfloat16 goes through float32 from the first pass to the last, and is rounded once.
Tensor by_passes(const char* op, const Tensor& x, const Passes& passes) {
  const DType between = accumulator_dtype(x), own = x.dtype();
  const Table a = table_of(op, x, passes.first.rule), b = table_of(op, x, passes.second.rule);
  const Tensor y =
      forward_pass(op, passes.second, b, forward_pass(op, passes.first, a, x.to(between))).to(own);
  return record(op, {x}, y, save(a.first, a.weight, b.first, b.weight),
                [=](const Saved& s, const Tensor& dy, Want) {
                  const Tensor middle =
                      backward_pass(op, passes.second, s[2], s[3], dy.to(between));
                  return Grads{backward_pass(op, passes.first, s[0], s[1], middle).to(own)};
                });
}

Tensor resized(const char* op, const Tensor& x, int64_t height, int64_t width, Filter filter,
               const ResizeOptions& o) {
  check_sizes(op, x, height, width);
  check_factor(op, o.factor);
  describe_resize(op, filter, o);
  return by_passes(op, x,
                   Passes(rule_of(filter, x.dim(1), height, o.factor.h, o),
                          rule_of(filter, x.dim(2), width, o.factor.w, o)));
}

// Without options, both axes at once.
Tensor plain_bilinear(const Tensor& x, int64_t height, int64_t width) {
  const Shape from = x.shape();
  const Resize resize = {from[0], from[3], {from[1], height}, {from[2], width}};
  Tensor y = Tensor::empty({from[0], height, width, from[3]}, x.dtype(), x.device());
  dispatch("resize_bilinear", x,
           [&]<class T>(auto& here) { resize_forward(here, resize, x.read<T>(), y.write<T>()); });
  describe_resize("resize_bilinear", Filter::linear, {});
  return record("resize_bilinear", {x}, y, {}, [=](const Saved&, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty(from, dy.dtype(), dy.device());
    dispatch("resize_bilinear", dy, [&]<class T>(auto& here) {
      resize_backward(here, resize, dy.read<T>(), dx.write<T>());
    });
    return Grads{dx};
  });
}

}  // namespace

Tensor resize_bilinear(const Tensor& x, int64_t height, int64_t width, const ResizeOptions& o) {
  check_sizes("resize_bilinear", x, height, width);
  if (o.align_corners || o.antialias || o.factor.h != 0 || o.factor.w != 0)
    return resized("resize_bilinear", x, height, width, Filter::linear, o);
  return plain_bilinear(x, height, width);
}

Tensor resize_bicubic(const Tensor& x, int64_t height, int64_t width, const ResizeOptions& o) {
  return resized("resize_bicubic", x, height, width, Filter::cubic, o);
}

Tensor resize_nearest(const Tensor& x, int64_t height, int64_t width, const NearestOptions& o) {
  return resized("resize_nearest", x, height, width,
                 o.exact ? Filter::nearest_exact : Filter::nearest, {.factor = o.factor});
}

}  // namespace tweed
