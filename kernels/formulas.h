// The elementwise operations, each a line: kernels, launchers and dispatch follow from these lists.
#pragma once
#include <cstdint>

#include "kernels/machine/inline.h"
#include "kernels/math.h"

/// X(name, saved, y, dx): y as a formula of x and a parameter p; dx as a formula of dy, p and s,
/// where s is the operation's `input` or `output`, whichever was saved (dy itself for `nothing`).
/// A is the type computed in. NaN must pass through.
// clang-format off
#define FOR_UNARY_FORMULAS(X)                                                                  \
  X(scale, nothing, p * x, p * dy)                                                             \
  X(shift, nothing, x + p, dy)                                                                 \
  X(relu, output, x <= 0 ? A(0) : x, s <= 0 ? A(0) : dy)                                       \
  X(leaky_relu, input, x > 0 ? x : p * x, s > 0 ? dy : p * dy)                                 \
  X(elu, input, x > 0 ? x : p * expm1(x), s <= 0 ? dy * p * exp(s) : dy)                       \
  X(sigmoid, output, logistic(x), dy * s * (A(1) - s))                                         \
  X(tanh_of, output, tanh(x), dy * (A(1) - s * s))                                             \
  X(gelu, input, x * normal_cdf(x), dy * (normal_cdf(s) + s * normal_density(s)))              \
  X(gelu_tanh, input, A(0.5) * x * (A(1) + tanh(gelu_inner(x))), dy * gelu_tanh_gradient(s))   \
  X(silu, input, x * logistic(x), dy * logistic(s) * (A(1) + s * (A(1) - logistic(s))))        \
  X(mish, input, x * mish_factor(x), dy * mish_gradient(s))                                    \
  X(softplus, input, x > 20 ? x : log1p(exp(x)), s > 20 ? dy : dy * logistic(s))               \
  X(hardswish, input, hard_swish(x), dy * hard_swish_slope(s))                                 \
  X(relu6, output, x <= 0 ? A(0) : x >= 6 ? A(6) : x, s > 0 && s < 6 ? dy : A(0))              \
  X(hardsigmoid, input, hard_sigmoid(x), s > -3 && s < 3 ? dy / A(6) : A(0))                   \
  X(hardtanh_low, input, x <= p ? p : x, s > p ? dy : A(0))                                    \
  X(hardtanh_high, input, x >= p ? p : x, s < p ? dy : A(0))                                   \
  X(exp_of, output, exp(x), dy * s)                                                            \
  X(log_of, input, log(x), dy / s)                                                             \
  X(sqrt_of, output, sqrt(x), dy / (A(2) * s))                                                 \
  X(abs_of, input, x < 0 ? -x : x + A(0), s > 0 ? dy : s < 0 ? -dy : A(0))                     \
  X(power, input, pow(x, p), p == 0 ? A(0) : dy * p * pow(s, p - A(1)))                        \
  X(clamp_min, input, x < p ? p : x, s >= p ? dy : A(0))                                        \
  X(clamp_max, input, x > p ? p : x, s <= p ? dy : A(0))

/// X(name, y): y as a formula of a and b. The reversed ones serve where b is the larger operand.
/// A share is the part of a maximum's or minimum's gradient that goes to a.
#define FOR_BINARY_FORMULAS(X)                                \
  X(add, a + b)                                               \
  X(subtract, a - b)                                          \
  X(subtract_from, b - a)                                     \
  X(multiply, a * b)                                          \
  X(divide, a / b)                                            \
  X(divide_into, b / a)                                       \
  X(maximum, a > b || a != a ? a : b)                         \
  X(minimum, a < b || a != a ? a : b)                         \
  X(prelu, a > 0 ? a : b * a)                                 \
  X(prelu_slope, a > 0 ? A(1) : b)                            \
  X(share_of, b == 0 ? A(0) : a * b)                          \
  X(share_if_larger, a < b ? A(0) : a == b ? A(0.5) : A(1))   \
  X(share_if_smaller, a > b ? A(0) : a == b ? A(0.5) : A(1))
// clang-format on

namespace tweed {

enum class Kept : uint8_t { nothing, input, output };

#define NAME(name, ...) name,
enum class Unary : uint8_t { FOR_UNARY_FORMULAS(NAME) };
enum class Binary : uint8_t { FOR_BINARY_FORMULAS(NAME) };
#undef NAME

/// What an operation saves for its backward pass.
constexpr Kept kept_by(Unary f) {
#define KEPT(name, saved, y, dx) \
  if (f == Unary::name) return Kept::saved;
  FOR_UNARY_FORMULAS(KEPT)
#undef KEPT
  return Kept::nothing;
}

template <Unary f>
struct UnaryFormula;
#define FORMULA(name, saved, y, dx)                                                    \
  template <>                                                                          \
  struct UnaryFormula<Unary::name> {                                                   \
    template <class A>                                                                 \
    TWEED_INLINE static A value(A x, [[maybe_unused]] A p) {                           \
      return y;                                                                        \
    }                                                                                  \
    template <class A>                                                                 \
    TWEED_INLINE static A gradient([[maybe_unused]] A s, A dy, [[maybe_unused]] A p) { \
      return dx;                                                                       \
    }                                                                                  \
  };
FOR_UNARY_FORMULAS(FORMULA)
#undef FORMULA

template <Binary f>
struct BinaryFormula;
#define FORMULA(name, y)                    \
  template <>                               \
  struct BinaryFormula<Binary::name> {      \
    template <class A>                      \
    TWEED_INLINE static A value(A a, A b) { \
      return y;                             \
    }                                       \
  };
FOR_BINARY_FORMULAS(FORMULA)
#undef FORMULA

}  // namespace tweed
