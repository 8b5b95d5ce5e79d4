// Functions of one number under one name for float and double. For kernel files.
#pragma once
#include <cmath>

#include "kernels/machine/inline.h"

namespace tweed {

TWEED_INLINE float exp(float x) { return ::expf(x); }
TWEED_INLINE double exp(double x) { return ::exp(x); }
TWEED_INLINE float log(float x) { return ::logf(x); }
TWEED_INLINE double log(double x) { return ::log(x); }
TWEED_INLINE float tanh(float x) { return ::tanhf(x); }
TWEED_INLINE double tanh(double x) { return ::tanh(x); }
TWEED_INLINE float erf(float x) { return ::erff(x); }
TWEED_INLINE double erf(double x) { return ::erf(x); }
TWEED_INLINE float expm1(float x) { return ::expm1f(x); }
TWEED_INLINE double expm1(double x) { return ::expm1(x); }
TWEED_INLINE float log1p(float x) { return ::log1pf(x); }
TWEED_INLINE double log1p(double x) { return ::log1p(x); }
TWEED_INLINE float pow(float x, float p) { return ::powf(x, p); }
TWEED_INLINE double pow(double x, double p) { return ::pow(x, p); }
TWEED_INLINE float sqrt(float x) { return ::sqrtf(x); }
TWEED_INLINE double sqrt(double x) { return ::sqrt(x); }

// The functions below multiply their argument by a factor that becomes 0 (or by its slope, which
// does at both ends). Where it is 0 long since, a bounded argument gives the same as any other, and
// infinity does not become NaN.

/// x, or the nearer of two bounds; NaN passes.
template <class A>
TWEED_INLINE A at_least(A x, A low) {
  return x < low ? low : x;
}
template <class A>
TWEED_INLINE A within(A x, A low, A high) {
  return x < low ? low : x > high ? high : x;
}

/// 1 / (1 + exp(-x))
template <class A>
TWEED_INLINE A logistic(A x) {
  return A(1) / (A(1) + exp(-x));
}
/// The distribution function of the standard normal distribution.
template <class A>
TWEED_INLINE A normal_cdf(A x) {
  return A(0.5) * (A(1) + erf(x * A(0.70710678118654752440)));
}
/// Its density.
template <class A>
TWEED_INLINE A normal_density(A x) {
  return A(0.39894228040143267794) * exp(A(-0.5) * x * x);
}
/// x times the distribution function.
template <class A>
TWEED_INLINE A gelu_value(A x) {
  const A b = at_least(x, A(-50));
  return b * normal_cdf(b);
}
template <class A>
TWEED_INLINE A gelu_gradient(A x) {
  const A b = within(x, A(-50), A(50));
  return normal_cdf(b) + b * normal_density(b);
}
/// What tanh sees in the approximation of GELU: sqrt(2 / pi) (x + 0.044715 x^3).
template <class A>
TWEED_INLINE A gelu_inner(A x) {
  return A(0.79788456080286535588) * (x + A(0.044715) * x * x * x);
}
template <class A>
TWEED_INLINE A gelu_tanh_value(A v) {
  const A x = at_least(v, A(-50));
  return A(0.5) * x * (A(1) + tanh(gelu_inner(x)));
}
template <class A>
TWEED_INLINE A gelu_tanh_gradient(A v) {
  const A x = within(v, A(-50), A(50));
  const A t = tanh(gelu_inner(x));
  const A inner = A(0.79788456080286535588) * (A(1) + A(3 * 0.044715) * x * x);
  return A(0.5) * (A(1) + t) + A(0.5) * x * (A(1) - t * t) * inner;
}
/// x logistic(x)
template <class A>
TWEED_INLINE A silu_value(A x) {
  const A b = at_least(x, A(-1000));
  return b * logistic(b);
}
template <class A>
TWEED_INLINE A silu_gradient(A x) {
  const A b = within(x, A(-1000), A(1000)), l = logistic(b);
  return l * (A(1) + b * (A(1) - l));
}
/// x relu6(x + 3) / 6
template <class A>
TWEED_INLINE A hard_swish(A x) {
  return x <= -3 ? -A(0) : x >= 3 ? x : x * (x + A(3)) / A(6);
}
template <class A>
TWEED_INLINE A hard_swish_slope(A x) {
  return x <= -3 ? A(0) : x < 3 ? x / A(3) + A(0.5) : A(1);
}
/// x tanh(log(1 + exp(x))) = x n / (n + 2), where n = e^x (e^x + 2); the factor is 1 beyond 20.
template <class A>
TWEED_INLINE A mish_value(A v) {
  const A x = at_least(v, A(-1000)), e = exp(x > 20 ? A(20) : x), n = e * (e + 2);
  return x * (n / (n + 2));
}
template <class A>
TWEED_INLINE A mish_gradient(A v) {
  const A x = within(v, A(-1000), A(40)), e = exp(x), n = e * (e + 2), w = n / (n + 2);
  return w + x * (A(1) + w) * (A(2) / (n + 2)) * (e / (A(1) + e));  // 1 - w = 2 / (n + 2)
}

}  // namespace tweed
