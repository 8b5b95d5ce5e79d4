#include "autograd/functions.h"

#include <cmath>

#include "autograd/describe.h"
#include "autograd/dispatch.h"
#include "kernels/elementwise.h"

namespace tweed {
namespace {

// Records any formula of kernels/formulas.h.
Tensor unary(const char* op, Unary f, const Tensor& x, double p = 0) {
  Tensor y = Tensor::empty_like(x);
  dispatch(op, x,
           [&]<class T>(auto& here) { unary_forward(here, f, p, x.read<T>(), y.write<T>()); });
  if (is_watched()) describe(op, {{"p", {p}}});
  const Kept kept = kept_by(f);
  return record(op, {x}, y, kept == Kept::nothing ? save() : save(kept == Kept::input ? x : y),
                [=](const Saved& saved, const Tensor& dy, Want) {
                  const Tensor& s = kept == Kept::nothing ? dy : saved[0];
                  Tensor dx = Tensor::empty_like(dy);
                  dispatch(op, dy, [&]<class T>(auto& here) {
                    unary_backward(here, f, p, s.read<T>(), dy.read<T>(), dx.write<T>());
                  });
                  return Grads{dx};
                });
}

}  // namespace

Tensor scale(const Tensor& x, double a) { return unary("scale", Unary::scale, x, a); }
Tensor add_scalar(const Tensor& x, double a) { return unary("add_scalar", Unary::shift, x, a); }
Tensor neg(const Tensor& x) { return scale(x, -1); }

Tensor relu(const Tensor& x) { return unary("relu", Unary::relu, x); }
Tensor leaky_relu(const Tensor& x, double slope) {
  return unary("leaky_relu", Unary::leaky_relu, x, slope);
}
Tensor elu(const Tensor& x, double alpha) { return unary("elu", Unary::elu, x, alpha); }
Tensor sigmoid(const Tensor& x) { return unary("sigmoid", Unary::sigmoid, x); }
Tensor tanh(const Tensor& x) { return unary("tanh", Unary::tanh_of, x); }
Tensor gelu(const Tensor& x) { return unary("gelu", Unary::gelu, x); }
Tensor gelu_tanh(const Tensor& x) { return unary("gelu_tanh", Unary::gelu_tanh, x); }
Tensor silu(const Tensor& x) { return unary("silu", Unary::silu, x); }
Tensor mish(const Tensor& x) { return unary("mish", Unary::mish, x); }
Tensor softplus(const Tensor& x) { return unary("softplus", Unary::softplus, x); }
Tensor hardswish(const Tensor& x) { return unary("hardswish", Unary::hardswish, x); }
Tensor relu6(const Tensor& x) { return unary("relu6", Unary::relu6, x); }
Tensor hardsigmoid(const Tensor& x) { return unary("hardsigmoid", Unary::hardsigmoid, x); }
Tensor hardtanh(const Tensor& x, double low, double high) {
  if (!(low < high)) fail("hardtanh", "from ", low, " to ", high);
  return unary("hardtanh_high", Unary::hardtanh_high,
               unary("hardtanh_low", Unary::hardtanh_low, x, low), high);
}

Tensor exp(const Tensor& x) { return unary("exp", Unary::exp_of, x); }
Tensor log(const Tensor& x) { return unary("log", Unary::log_of, x); }
Tensor sqrt(const Tensor& x) { return unary("sqrt", Unary::sqrt_of, x); }
Tensor abs(const Tensor& x) { return unary("abs", Unary::abs_of, x); }
Tensor pow(const Tensor& x, double exponent) { return unary("pow", Unary::power, x, exponent); }

Tensor clamp(const Tensor& x, double low, double high) {
  if (!(low <= high)) fail("clamp", "from ", low, " to ", high);
  Tensor y = std::isinf(low) ? x : unary("clamp_min", Unary::clamp_min, x, low);
  return std::isinf(high) ? y : unary("clamp_max", Unary::clamp_max, y, high);
}

}  // namespace tweed
