// Arithmetic element by element, with broadcasting.
//
// Operands of different shapes meet as in NumPy and PyTorch: shapes are aligned at their last axes,
// and a size of 1 or a missing axis is repeated. No copy is made where the repeated axes of the
// smaller operand are neighbours: (C) or (H, W, C) or (N, 1, 1, C) against (N, H, W, C), a number
// per row such as (N, 1, 1, 1), one element. Other pairs are expanded first.
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// a + b, a - b, a * b, a / b.
///
/// @param a, b  shapes that broadcast, equal dtypes and devices
/// @return      the shape they broadcast to
/// @throws ShapeError  "[add] shapes (2, 3) and (4)"
/// mul saves a and b; div saves b and the result.
Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);

/// The larger and the smaller of a and b; NaN if either is. A tie gives each half of the gradient.
/// Shapes as for add(). Saves a and b.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);

/// a where the condition is not 0, b elsewhere.
///
/// @param condition  uint8
/// @param a, b       equal dtypes; the shapes of all three broadcast
/// @throws ShapeError  "[where] condition is float32, not uint8"
/// Saves the condition.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

/// 1 where a equals b, 0 elsewhere, in their dtype; shapes as for add(). Not recorded.
Tensor equal(const Tensor& a, const Tensor& b);

/// a * x, and x + a, for a number a.
Tensor scale(const Tensor& x, double a);
Tensor add_scalar(const Tensor& x, double a);
Tensor neg(const Tensor& x);

// Functions of one number: x's shape, dtype and device. NaN passes through.

/// max(x, 0). The gradient at 0 is 0. Saves the result.
Tensor relu(const Tensor& x);
/// x where x > 0, else slope * x. The gradient at 0 is the slope. Saves x.
Tensor leaky_relu(const Tensor& x, double slope = 0.01);
/// 1 / (1 + exp(-x)). Saves the result.
Tensor sigmoid(const Tensor& x);
/// Saves the result.
Tensor tanh(const Tensor& x);
/// x times the normal distribution's probability of less than x, by the error function. Saves x.
/// Source: Hendrycks, Gimpel 2016, arXiv:1606.08415
Tensor gelu(const Tensor& x);
/// Its approximation x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))). Saves x.
Tensor gelu_tanh(const Tensor& x);
/// x * sigmoid(x). Saves x. Source: Elfwing, Uchibe, Doya 2017, arXiv:1702.03118
Tensor silu(const Tensor& x);
/// x * tanh(softplus(x)). Saves x. Source: Misra 2019, arXiv:1908.08681
Tensor mish(const Tensor& x);
/// log(1 + exp(x)), and x itself beyond 20, as in PyTorch. Saves x.
Tensor softplus(const Tensor& x);
/// x where x > 0, else alpha * (exp(x) - 1). The gradient at 0 is alpha. Saves x.
/// Source: Clevert, Unterthiner, Hochreiter 2015, arXiv:1511.07289
Tensor elu(const Tensor& x, double alpha = 1);
/// x * clamp(x + 3, 0, 6) / 6. The gradient is 0 at -3 and 1 at 3. Saves x.
/// Source: Howard et al. 2019, arXiv:1905.02244
Tensor hardswish(const Tensor& x);

Tensor exp(const Tensor& x);   ///< Saves the result.
Tensor log(const Tensor& x);   ///< Saves x.
Tensor sqrt(const Tensor& x);  ///< The gradient at 0 is infinite. Saves the result.
Tensor abs(const Tensor& x);   ///< The gradient at 0 is 0. Saves x.
/// x^exponent; the gradient of an exponent of 0 is 0. Saves x.
Tensor pow(const Tensor& x, double exponent);
/// The nearest number in [lo, hi]; NaN passes through. The gradient passes in between and at both
/// ends, as in PyTorch 1 (2.15 stops it at the ends). Saves x.
/// @throws ShapeError  "[clamp] from 2 to 1"
Tensor clamp(const Tensor& x, double lo, double hi);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator+(const Tensor& x, double a) { return add_scalar(x, a); }
inline Tensor operator+(double a, const Tensor& x) { return add_scalar(x, a); }
inline Tensor operator-(const Tensor& x, double a) { return add_scalar(x, -a); }
inline Tensor operator-(double a, const Tensor& x) { return add_scalar(neg(x), a); }
inline Tensor operator*(const Tensor& x, double a) { return scale(x, a); }
inline Tensor operator*(double a, const Tensor& x) { return scale(x, a); }
inline Tensor operator/(const Tensor& x, double a) { return scale(x, 1 / a); }
inline Tensor operator-(const Tensor& x) { return neg(x); }

}  // namespace tweed
