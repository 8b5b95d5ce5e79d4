#include "autograd/compare.h"

#include <cmath>

#include "autograd/broadcast.h"
#include "autograd/dispatch.h"
#include "autograd/functions.h"
#include "autograd/reduce.h"
#include "kernels/compare.h"

namespace tweed {
namespace {

// x of any dtype, repeated to `shape`; float64 holds all integers.
Tensor repeated(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const NoGrad no_grad;
  return is_computed(x.dtype()) ? expand(x, shape)
                                : expand(x.to(DType::float64), shape).to(x.dtype());
}

Tensor compared(const char* op, Compare f, const Tensor& a, const Tensor& b) {
  check_alike(op, {a, b});
  const Shape shape = broadcast_shape(op, a.shape(), b.shape());
  const bool exchange = a.shape() != shape && b.shape() == shape;
  const Tensor& large = exchange ? b : a;
  const Tensor& small = exchange ? a : b;
  Broadcast view;
  if (large.shape() != shape || !fits(shape, small.shape(), view))
    return compared(op, f, repeated(a, shape), repeated(b, shape));
  Tensor y = Tensor::empty(shape, DType::uint8, a.device());
  dispatch_any(a, [&]<class T>(auto& here) {
    compare(here, exchange ? exchanged(f) : f, view, large.read<T>(), small.read<T>(),
            y.write<uint8_t>());
  });
  return y;
}

Tensor compared(Compare f, const Tensor& x, double v) {
  Tensor y = Tensor::empty(x.shape(), DType::uint8, x.device());
  dispatch_any(
      x, [&]<class T>(auto& here) { compare_with(here, f, v, x.read<T>(), y.write<uint8_t>()); });
  return y;
}

Tensor logical(const char* op, Compare f, const Tensor& a, const Tensor& b) {
  for (const Tensor& t : {a, b})
    if (t.dtype() != DType::uint8) fail(op, t.dtype(), ", not uint8");
  return compared(op, f, a, b);
}

// Where the absolute value compares so with infinity.
Tensor against_infinity(const char* op, Compare f, const Tensor& x) {
  if (!is_floating(x.dtype())) fail(op, "needs a floating dtype, not ", x.dtype());
  const NoGrad no_grad;
  return compared(f, abs(is_computed(x.dtype()) ? x : x.to(DType::float32)), INFINITY);
}

}  // namespace

Tensor equal(const Tensor& a, const Tensor& b) { return compared("equal", Compare::equal, a, b); }
Tensor not_equal(const Tensor& a, const Tensor& b) {
  return compared("not_equal", Compare::not_equal, a, b);
}
Tensor less(const Tensor& a, const Tensor& b) { return compared("less", Compare::less, a, b); }
Tensor less_equal(const Tensor& a, const Tensor& b) {
  return compared("less_equal", Compare::less_equal, a, b);
}
Tensor greater(const Tensor& a, const Tensor& b) {
  return compared("greater", Compare::greater, a, b);
}
Tensor greater_equal(const Tensor& a, const Tensor& b) {
  return compared("greater_equal", Compare::greater_equal, a, b);
}

Tensor equal(const Tensor& x, double v) { return compared(Compare::equal, x, v); }
Tensor not_equal(const Tensor& x, double v) { return compared(Compare::not_equal, x, v); }
Tensor less(const Tensor& x, double v) { return compared(Compare::less, x, v); }
Tensor less_equal(const Tensor& x, double v) { return compared(Compare::less_equal, x, v); }
Tensor greater(const Tensor& x, double v) { return compared(Compare::greater, x, v); }
Tensor greater_equal(const Tensor& x, double v) { return compared(Compare::greater_equal, x, v); }

Tensor logical_and(const Tensor& a, const Tensor& b) {
  return logical("logical_and", Compare::both, a, b);
}
Tensor logical_or(const Tensor& a, const Tensor& b) {
  return logical("logical_or", Compare::either, a, b);
}
Tensor logical_xor(const Tensor& a, const Tensor& b) {
  return logical("logical_xor", Compare::one_alone, a, b);
}
Tensor logical_not(const Tensor& mask) {
  if (mask.dtype() != DType::uint8) fail("logical_not", mask.dtype(), ", not uint8");
  return compared(Compare::equal, mask, 0);
}

Tensor isnan(const Tensor& x) {
  if (!is_floating(x.dtype())) fail("isnan", "needs a floating dtype, not ", x.dtype());
  return compared("isnan", Compare::not_equal, x, x);
}
Tensor isinf(const Tensor& x) { return against_infinity("isinf", Compare::equal, x); }
Tensor isfinite(const Tensor& x) { return against_infinity("isfinite", Compare::less, x); }

}  // namespace tweed
