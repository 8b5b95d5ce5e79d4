#include "autograd/elementwise.h"

#include <algorithm>

#include "autograd/dispatch.h"
#include "autograd/reduce.h"
#include "kernels/elementwise.h"

namespace tweed {
namespace {

// Records any formula of kernels/formulas.h.
Tensor unary(const char* op, Unary f, const Tensor& x, double p = 0, double q = 0) {
  Tensor y = Tensor::empty_like(x);
  dispatch(op, x,
           [&]<class T>(auto& here) { unary_forward(here, f, p, q, x.read<T>(), y.write<T>()); });
  const Kept kept = kept_by(f);
  return record(op, {x}, y, kept == Kept::nothing ? save() : save(kept == Kept::input ? x : y),
                [=](const Saved& saved, const Tensor& dy, Want) {
                  const Tensor& s = kept == Kept::nothing ? dy : saved[0];
                  Tensor dx = Tensor::empty_like(dy);
                  dispatch(op, dy, [&]<class T>(auto& here) {
                    unary_backward(here, f, p, q, s.read<T>(), dy.read<T>(), dx.write<T>());
                  });
                  return Grads{dx};
                });
}

Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  Shape result = a.ndim() >= b.ndim() ? a : b;
  const Shape& other = a.ndim() >= b.ndim() ? b : a;
  for (int i = 1; i <= other.ndim(); ++i) {
    if (result[-i] != other[-i] && result[-i] != 1 && other[-i] != 1)
      fail(op, "shapes ", a, " and ", b);
    if (result[-i] == 1) result.set(-i, other[-i]);
  }
  return result;
}

// Sees `small` against `large` as (outer, 1, inner) against (outer, middle, inner); false if the
// axes along which it is repeated are not neighbours.
bool fits(const Shape& large, const Shape& small, Broadcast& view) {
  auto size = [&](int axis) {
    const int i = axis - (large.ndim() - small.ndim());
    return i < 0 ? 1 : small[i];
  };
  int first = large.ndim(), last = 0;  // of the repeated axes
  for (int i = 0; i < large.ndim(); ++i)
    if (size(i) != large[i]) {
      first = std::min(first, i);
      last = i + 1;
    }
  for (int i = first; i < last; ++i)
    if (size(i) != 1) return false;
  if (first > last) first = last;
  view = {large.product(0, first), large.product(first, last), large.product(last, large.ndim())};
  return true;
}

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

// The larger or smaller of a and b, whose gradient goes to a and b by their shares.
Tensor extreme(const char* op, Binary f, Binary share, Binary other, const Tensor& a,
               const Tensor& b) {
  auto part = [=](const Tensor& dy, const Tensor& mine, const Tensor& theirs) {
    const Tensor shares = compute(op, share, other, mine, theirs);
    return sum_to(compute(op, Binary::masked, Binary::masked, dy, shares), mine.shape());
  };
  return record(op, {a, b}, compute(op, f, f, a, b), save(a, b),
                [=](const Saved& s, const Tensor& dy, Want want) {
                  return Grads{want[0] ? part(dy, s[0], s[1]) : Tensor(),
                               want[1] ? part(dy, s[1], s[0]) : Tensor()};
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
    Tensor da = div(dy, b);
    return Grads{want[0] ? sum_to(da, as) : Tensor(),
                 want[1] ? neg(sum_to(mul(da, y), b.shape())) : Tensor()};
  });
}

Tensor maximum(const Tensor& a, const Tensor& b) {
  return extreme("maximum", Binary::maximum, Binary::larger_share, Binary::smaller_share, a, b);
}
Tensor minimum(const Tensor& a, const Tensor& b) {
  return extreme("minimum", Binary::minimum, Binary::smaller_share, Binary::larger_share, a, b);
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  check_alike("where", {a, b});
  if (condition.dtype() != DType::uint8)
    fail("where", "condition is ", condition.dtype(), ", not uint8");
  if (condition.device() != a.device())
    fail("where", "condition is on ", condition.device(), ", a on ", a.device());
  const Shape as = a.shape(), bs = b.shape();
  const Shape shape = broadcast_shape("where", broadcast_shape("where", as, bs), condition.shape());
  Tensor mask = condition, y = Tensor::empty(shape, a.dtype(), a.device());
  if (mask.shape() != shape) mask = expand(mask.to(DType::float32), shape).to(DType::uint8);
  dispatch("where", a, [&]<class T>(auto& here) {
    NoGrad no_grad;
    const Tensor yes = expand(a, shape), no = expand(b, shape);
    select(here, mask.read<uint8_t>(), yes.read<T>(), no.read<T>(), y.write<T>());
  });
  return record("where", {a, b}, y, save(mask), [=](const Saved& s, const Tensor& dy, Want want) {
    auto part = [&](bool wanted, const Shape& to) {
      Tensor dx = Tensor::empty_like(dy);
      dispatch("where", dy, [&]<class T>(auto& here) {
        select_backward(here, s[0].read<uint8_t>(), wanted, dy.read<T>(), dx.write<T>());
      });
      return sum_to(dx, to);
    };
    return Grads{want[0] ? part(true, as) : Tensor(), want[1] ? part(false, bs) : Tensor()};
  });
}

Tensor equal(const Tensor& a, const Tensor& b) {
  return compute("equal", Binary::equal, Binary::equal, a, b);
}

Tensor scale(const Tensor& x, double a) { return unary("scale", Unary::scale, x, a); }
Tensor add_scalar(const Tensor& x, double a) { return unary("add_scalar", Unary::shift, x, a); }
Tensor neg(const Tensor& x) { return scale(x, -1); }
Tensor relu(const Tensor& x) { return unary("relu", Unary::relu, x); }
Tensor leaky_relu(const Tensor& x, double slope) {
  return unary("leaky_relu", Unary::leaky_relu, x, slope);
}
Tensor sigmoid(const Tensor& x) { return unary("sigmoid", Unary::sigmoid, x); }
Tensor tanh(const Tensor& x) { return unary("tanh", Unary::tanh, x); }
Tensor gelu(const Tensor& x) { return unary("gelu", Unary::gelu, x); }
Tensor gelu_tanh(const Tensor& x) { return unary("gelu_tanh", Unary::gelu_tanh, x); }
Tensor silu(const Tensor& x) { return unary("silu", Unary::silu, x); }
Tensor mish(const Tensor& x) { return unary("mish", Unary::mish, x); }
Tensor softplus(const Tensor& x) { return unary("softplus", Unary::softplus, x); }
Tensor elu(const Tensor& x, double alpha) { return unary("elu", Unary::elu, x, alpha); }
Tensor hardswish(const Tensor& x) { return unary("hardswish", Unary::hardswish, x); }

Tensor exp(const Tensor& x) { return unary("exp", Unary::exp, x); }
Tensor log(const Tensor& x) { return unary("log", Unary::log, x); }
Tensor sqrt(const Tensor& x) { return unary("sqrt", Unary::sqrt, x); }
Tensor abs(const Tensor& x) { return unary("abs", Unary::abs, x); }
Tensor pow(const Tensor& x, double exponent) { return unary("pow", Unary::pow, x, exponent); }
Tensor clamp(const Tensor& x, double lo, double hi) {
  if (!(lo <= hi)) fail("clamp", "from ", lo, " to ", hi);
  return unary("clamp", Unary::clamp, x, lo, hi);
}

}  // namespace tweed
