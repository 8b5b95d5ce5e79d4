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
#ifndef TWEED_CPU
// For a GPU, in float: both share their exponential, and the smaller side is computed as it is,
// not as 1 - erf, of which nothing is left below -6. A polynomial of 1 / (1 + 0.28 |x|) times the
// exponential, fitted by us: off by 1.5e-8 / (1 + |x|) at most, before rounding.
TWEED_INLINE float normal_bell(float x) {
#ifdef __CUDA_ARCH__
  float bell;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(bell) : "f"(x * x * -0.72134752045f));  // log2(e) / 2
  return bell;
#else
  return ::expf(-0.5f * x * x);
#endif
}
TWEED_INLINE float normal_cdf(float x) {
  const float down = 1 + 0.28f * ::fabsf(x);
#ifdef __CUDA_ARCH__
  float t;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(t) : "f"(down));
#else
  const float t = 1 / down;
#endif
  float sum = ::fmaf(t, -0.10655280036f, 0.39296204699f);
  sum = -0.24208531228f + t * sum;
  sum = 0.27308144104f + t * sum;
  sum = 0.06579949566f + t * sum;
  sum = 0.11679511414f + t * sum;
  const float tail = sum * t * normal_bell(x);
  return x < 0 ? tail : 1 - tail;
}
TWEED_INLINE float normal_density(float x) { return 0.39894228040143267794f * normal_bell(x); }
#endif
/// What tanh sees in the approximation of GELU: sqrt(2 / pi) (x + 0.044715 x^3).
template <class A>
TWEED_INLINE A gelu_inner(A x) {
  return A(0.79788456080286535588) * (x + A(0.044715) * x * x * x);
}
template <class A>
TWEED_INLINE A gelu_tanh_gradient(A x) {
  const A t = tanh(gelu_inner(x));
  const A b = x < -50 ? A(-50) : x > 50 ? A(50) : x;  // 1 - t^2 is 0 there; x^2 may be infinite
  const A inner = A(0.79788456080286535588) * (A(1) + A(3 * 0.044715) * b * b);
  return A(0.5) * (A(1) + t) + A(0.5) * x * (A(1) - t * t) * inner;
}
/// relu6(x + 3) / 6
template <class A>
TWEED_INLINE A hard_sigmoid(A x) {
  return x <= -3 ? A(0) : x >= 3 ? A(1) : (x + A(3)) / A(6);
}
/// x relu6(x + 3) / 6
template <class A>
TWEED_INLINE A hard_swish(A x) {
  return x <= -3 ? x * A(0) : x >= 3 ? x : x * (x + A(3)) / A(6);
}
template <class A>
TWEED_INLINE A hard_swish_slope(A x) {
  return x <= -3 ? A(0) : x < 3 ? x / A(3) + A(0.5) : A(1);
}
/// tanh(log(1 + exp(x))) = n / (n + 2), where n = e^x (e^x + 2); it is 1 beyond 20.
template <class A>
TWEED_INLINE A mish_factor(A x) {
  const A e = exp(x > 20 ? A(20) : x), n = e * (e + 2);
  return n / (n + 2);
}
/// Of an x beyond 40 as of 40, where it is 1: what is left of 1 - w times a large x would not be 0.
template <class A>
TWEED_INLINE A mish_gradient(A v) {
  const A x = v > 40 ? A(40) : v, e = exp(x), n = e * (e + 2), w = n / (n + 2);
  return w + x * (A(1) + w) * (A(2) / (n + 2)) * (e / (A(1) + e));  // 1 - w = 2 / (n + 2)
}

}  // namespace tweed
