#include "autograd/elementwise.h"

#include <cmath>

#include "autograd/broadcast.h"
#include "autograd/dispatch.h"
#include "autograd/reduce.h"
#include "kernels/elementwise.h"

namespace tweed {
namespace {

// y = f(a, b) without recording; `reversed` is the formula for exchanged operands.
Tensor compute(const char* op, Binary f, Binary reversed, const Tensor& a, const Tensor& b) {
  check_alike(op, {a, b});
  const Shape shape = broadcast_shape(op, a.shape(), b.shape());
  const bool exchange = a.shape() != shape && b.shape() == shape;
  const Tensor& large = exchange ? b : a;
  const Tensor& small = exchange ? a : b;
  Broadcast view;
  if (large.shape() != shape || !fits(shape, small.shape(), view)) {
    NoGrad no_grad;
    return compute(op, f, reversed, expand(a, shape), expand(b, shape));
  }
  Tensor y = Tensor::empty(shape, a.dtype(), a.device());
  dispatch(op, a, [&]<class T>(auto& here) {
    binary(here, exchange ? reversed : f, view, large.read<T>(), small.read<T>(), y.write<T>());
  });
  return y;
}

// The larger or smaller of two; `share` is the part of the gradient that goes to the first.
Tensor extreme(const char* op, Binary f, Binary share, Binary reversed_share, const Tensor& a,
               const Tensor& b) {
  return record(op, {a, b}, compute(op, f, f, a, b), save(a, b),
                [=](const Saved& s, const Tensor& dy, Want want) {
                  const Tensor &a = s[0], &b = s[1];
                  auto part = [&](const Tensor& x, const Tensor& other) {
                    const Tensor shares = compute(op, share, reversed_share, x, other);
                    // Not a product: 0 times an infinite gradient would be NaN.
                    const auto share_of = Binary::share_of;
                    return sum_to(compute(op, share_of, share_of, dy, shares), x.shape());
                  };
                  return Grads{want[0] ? part(a, b) : Tensor(), want[1] ? part(b, a) : Tensor()};
                });
}

Tensor expand_mask(const Tensor& mask, const Shape& shape) {
  if (mask.shape() == shape) return mask;
  NoGrad no_grad;
  return expand(mask.to(DType::float32), shape).to(DType::uint8);
}

Tensor where_alike(const Tensor& condition, const Tensor& a, const Tensor& b) {
  // An undefined tensor stands for zeros.
  auto chosen = [](const Tensor& condition, const Tensor& a, const Tensor& b) {
    const Tensor y = Tensor::empty_like(a.defined() ? a : b);
    dispatch("where", y, [&]<class T>(auto& here) {
      select(here, condition.read<uint8_t>(), a.defined() ? a.read<T>() : Span<const T>(),
             b.defined() ? b.read<T>() : Span<const T>(), y.write<T>());
    });
    return y;
  };
  return record("where", {a, b}, chosen(condition, a, b), save(condition),
                [=](const Saved& s, const Tensor& dy, Want want) {
                  return Grads{want[0] ? chosen(s[0], dy, {}) : Tensor(),
                               want[1] ? chosen(s[0], {}, dy) : Tensor()};
                });
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  const Shape as = a.shape(), bs = b.shape();
  return record(
      "add", {a, b}, compute("add", Binary::add, Binary::add, a, b), {},
      [=](const Saved&, const Tensor& dy, Want want) {
        return Grads{want[0] ? sum_to(dy, as) : Tensor(), want[1] ? sum_to(dy, bs) : Tensor()};
      });
}

Tensor sub(const Tensor& a, const Tensor& b) {
  const Shape as = a.shape(), bs = b.shape();
  Tensor y = compute("sub", Binary::subtract, Binary::subtract_from, a, b);
  return record("sub", {a, b}, y, {}, [=](const Saved&, const Tensor& dy, Want want) {
    return Grads{want[0] ? sum_to(dy, as) : Tensor(), want[1] ? neg(sum_to(dy, bs)) : Tensor()};
  });
}

Tensor mul(const Tensor& a, const Tensor& b) {
  Tensor y = compute("mul", Binary::multiply, Binary::multiply, a, b);
  return record("mul", {a, b}, y, save(a, b), [](const Saved& s, const Tensor& dy, Want want) {
    const Tensor &a = s[0], &b = s[1];
    return Grads{want[0] ? sum_to(mul(dy, b), a.shape()) : Tensor(),
                 want[1] ? sum_to(mul(dy, a), b.shape()) : Tensor()};
  });
}

Tensor div(const Tensor& a, const Tensor& b) {
  const Shape as = a.shape();
  Tensor y = compute("div", Binary::divide, Binary::divide_into, a, b);
  return record("div", {a, b}, y, save(b, y), [=](const Saved& s, const Tensor& dy, Want want) {
    const Tensor &b = s[0], &y = s[1];
    // Not dy / b times y: for a small b the quotient may be infinite, and a y of 0 make it NaN.
    return Grads{want[0] ? sum_to(div(dy, b), as) : Tensor(),
                 want[1] ? neg(sum_to(mul(dy, div(y, b)), b.shape())) : Tensor()};
  });
}

Tensor cast(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  if (!is_floating(x.dtype()) || !is_floating(dtype)) return x.to(dtype);
  const DType from = x.dtype();
  return record("cast", {x}, x.to(dtype), {},
                [=](const Saved&, const Tensor& dy, Want) { return Grads{dy.to(from)}; });
}

Tensor maximum(const Tensor& a, const Tensor& b) {
  return extreme("maximum", Binary::maximum, Binary::share_if_larger, Binary::share_if_smaller, a,
                 b);
}
Tensor minimum(const Tensor& a, const Tensor& b) {
  return extreme("minimum", Binary::minimum, Binary::share_if_smaller, Binary::share_if_larger, a,
                 b);
}

Tensor prelu(const Tensor& x, const Tensor& slope) {
  check_alike("prelu", {x, slope});
  const bool one = slope.shape() == Shape{1};
  if (x.ndim() < 1 || !(one || slope.shape() == Shape{x.dim(-1)}))
    fail("prelu", "slope is ", slope.shape(), ", x is ", x.shape());
  return record("prelu", {x, slope}, compute("prelu", Binary::prelu, Binary::prelu, x, slope),
                save(x, slope), [](const Saved& s, const Tensor& dy, Want want) {
                  const Tensor &x = s[0], &slope = s[1];
                  auto both = [](Binary f, const Tensor& a, const Tensor& b) {
                    return compute("prelu", f, f, a, b);
                  };
                  Grads grads(2);
                  if (want[0])
                    grads[0] = both(Binary::multiply, dy, both(Binary::prelu_slope, x, slope));
                  if (want[1]) {
                    const Tensor negative = clamp(x, -INFINITY, 0);
                    grads[1] = sum_to(both(Binary::share_of, dy, negative), slope.shape());
                  }
                  return grads;
                });
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  const char* op = "where";
  if (condition.dtype() != DType::uint8)
    fail(op, "condition is ", condition.dtype(), ", not uint8");
  if (!(condition.device() == a.device()))
    fail(op, "condition is on ", condition.device(), ", a on ", a.device());
  check_alike(op, {a, b});
  const Shape shape =
      broadcast_shape(op, condition.shape(), broadcast_shape(op, a.shape(), b.shape()));
  return where_alike(expand_mask(condition, shape), a.shape() == shape ? a : expand(a, shape),
                     b.shape() == shape ? b : expand(b, shape));
}

}  // namespace tweed
