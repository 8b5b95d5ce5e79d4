// The elementwise operations, each a line: kernels, launchers and dispatch follow from these lists.
#pragma once
#include <cstdint>

#include "kernels/math.h"

/// X(name, saved, y, dx): y as a formula of x and the parameters p and q; dx as a formula of dy, p,
/// q and s, where s is the operation's `input` or `output`, whichever was saved (dy itself for
/// `nothing`). A is the type computed in. NaN must pass through, and kinks have PyTorch's slope.
// clang-format off
#define FOR_UNARY_FORMULAS(X)                                                       \
  X(relu, output, x <= 0 ? A(0) : x, s <= 0 ? A(0) : dy)                            \
  X(scale, nothing, p * x, p * dy)                                                  \
  X(shift, nothing, x + p, dy)                                                      \
  X(leaky_relu, input, x > 0 ? x : p * x, s > 0 ? dy : p * dy)                      \
  X(sigmoid, output, logistic(x), dy * s * (1 - s))                                 \
  X(tanh, output, tanh(x), dy * (1 - s * s))                                        \
  X(gelu, input, x * normal_cdf(x), dy * (normal_cdf(s) + s * normal_density(s)))   \
  X(gelu_tanh, input, x * logistic(gelu_curve(x)), dy * gelu_tanh_slope(s))         \
  X(silu, input, x / (1 + exp(-x)), dy * logistic(s) * (1 + s * (1 - logistic(s)))) \
  X(mish, input, x * tanh_softplus(x), dy * mish_slope(s))                          \
  X(softplus, input, x > 20 ? x : log1p(exp(x)), s > 20 ? dy : dy * logistic(s))    \
  X(elu, input, x <= 0 ? p * expm1(x) : x, s <= 0 ? p * dy * exp(s) : dy)           \
  X(hardswish, input, x * clamped(x + 3, A(0), A(6)) / 6, dy * hardswish_slope(s))  \
  X(exp, output, exp(x), dy * s)                                                    \
  X(log, input, log(x), dy / s)                                                     \
  X(sqrt, output, sqrt(x), dy / (2 * s))                                            \
  X(abs, input, fabs(x), s > 0 ? dy : s < 0 ? -dy : A(0))                           \
  X(pow, input, pow(x, p), p == 0 ? A(0) : dy * p * pow(s, p - 1))                  \
  X(clamp, input, clamped(x, p, q), (s >= p) & (s <= q) ? dy : A(0))
// clang-format on

/// X(name, y): y as a formula of a and b. The reversed ones serve where b is the larger operand.
/// NaN wins a maximum or minimum; larger_share is how much of its gradient belongs to a, as in
/// PyTorch, and masked() keeps an infinite gradient out of a share of 0.
// clang-format off
#define FOR_BINARY_FORMULAS(X)                               \
  X(add, a + b)                                              \
  X(subtract, a - b)                                         \
  X(subtract_from, b - a)                                    \
  X(multiply, a * b)                                         \
  X(divide, a / b)                                           \
  X(divide_into, b / a)                                      \
  X(maximum, (a > b) | (a != a) ? a : b)                     \
  X(minimum, (a < b) | (a != a) ? a : b)                     \
  X(larger_share, a == b ? A(0.5) : a < b ? A(0) : A(1))     \
  X(smaller_share, a == b ? A(0.5) : a > b ? A(0) : A(1))    \
  X(masked, b == 0 ? A(0) : a * b)                        \
  X(equal, a == b ? A(1) : A(0))
// clang-format on

namespace tweed {

enum class Kept : uint8_t { nothing, input, output };

#define NAME(name, ...) name,
enum class Unary : uint8_t { FOR_UNARY_FORMULAS(NAME) };
enum class Binary : uint8_t { FOR_BINARY_FORMULAS(NAME) };
#undef NAME

/// What an operation saves for its way back.
constexpr Kept kept_by(Unary f) {
#define KEPT(name, saved, y, dx) \
  if (f == Unary::name) return Kept::saved;
  FOR_UNARY_FORMULAS(KEPT)
#undef KEPT
  return Kept::nothing;
}

// What is too long for a line.
template <class A>
TWEED_INLINE A logistic(A x) {
  return 1 / (1 + exp(-x));
}
template <class A>
TWEED_INLINE A clamped(A x, A lo, A hi) {
  return x < lo ? lo : x > hi ? hi : x;
}
template <class A>
TWEED_INLINE A hardswish_slope(A x) {
  return x <= -3 ? A(0) : x < 3 ? x / 3 + A(0.5) : A(1);
}
template <class A>
TWEED_INLINE A normal_cdf(A x) {
  return A(0.5) * (1 + erf(x * A(0.70710678118654752)));  // 1 / sqrt(2)
}
template <class A>
TWEED_INLINE A normal_density(A x) {
  return A(0.39894228040143268) * exp(A(-0.5) * x * x);  // 1 / sqrt(2 pi)
}
/// 2 sqrt(2 / pi) (x + 0.044715 x^3): (1 + tanh(u)) / 2 is logistic(2 u).
template <class A>
TWEED_INLINE A gelu_curve(A x) {
  return A(1.5957691216057308) * (x + A(0.044715) * x * x * x);
}
template <class A>
TWEED_INLINE A gelu_tanh_slope(A x) {
  const A g = logistic(gelu_curve(x));
  return g + x * g * (1 - g) * A(1.5957691216057308) * (1 + A(3 * 0.044715) * x * x);
}
/// tanh(log(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2); beyond 20 it is 1 to every digit.
template <class A>
TWEED_INLINE A tanh_softplus(A x) {
  const A e = exp(x > 20 ? A(20) : x), n = e * (e + 2);
  return n / (n + 2);
}
template <class A>
TWEED_INLINE A mish_slope(A x) {
  const A v = x > 20 ? A(20) : x, e = exp(v), n = e * (e + 2);
  return (n + v * 4 * e * (e + 1) / (n + 2)) / (n + 2);
}

template <Unary f>
struct UnaryFormula;
#define FORMULA(name, saved, y, dx)                                                  \
  template <>                                                                        \
  struct UnaryFormula<Unary::name> {                                                 \
    template <class A>                                                               \
    TWEED_INLINE static A value(A x, [[maybe_unused]] A p, [[maybe_unused]] A q) {   \
      return y;                                                                      \
    }                                                                                \
    template <class A>                                                               \
    TWEED_INLINE static A gradient([[maybe_unused]] A s, A dy, [[maybe_unused]] A p, \
                                   [[maybe_unused]] A q) {                           \
      return dx;                                                                     \
    }                                                                                \
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
