// Arithmetic element by element, with broadcasting.
//
// Operands of different shapes meet as in NumPy and PyTorch: shapes are aligned at their last axes,
// and a size of 1 or a missing axis is repeated. No copy is made where the repeated axes of the
// smaller operand are neighbours: (C) or (H, W, C) or (N, 1, 1, C) against (N, H, W, C), a number
// per row such as (N, 1, 1, 1), one element. Other pairs are expanded first.
#pragma once
#include "autograd/compare.h"
#include "autograd/functions.h"

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

/// x in another dtype; x itself if it is in that already. Between floating dtypes its gradient is
/// cast back; to and from integers nothing is recorded. Floating to integer drops the fraction;
/// what the integer does not hold, and NaN, is any number then.
Tensor cast(const Tensor& x, DType dtype);

/// The larger or smaller of a and b; NaN if one of them is. Where both are equal each gets half of
/// the gradient, as in PyTorch. Broadcasts like add(). Saves a and b.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);

/// x where it is positive, else slope x: leaky_relu() with a slope that is learned.
///
/// @param x      (..., C)
/// @param slope  (1), or (C), one for each channel
/// @throws ShapeError  "[prelu] slope is (3), x is (8, 512)"
/// Saves x and slope. Source: He et al. 2015, arXiv:1502.01852
Tensor prelu(const Tensor& x, const Tensor& slope);

/// a where the condition is not 0, else b. Operands that are broadcast are copied.
///
/// @param condition  uint8, on a's device
/// @param a, b       of equal dtypes; all three shapes broadcast
/// @throws ShapeError  "[where] condition is float32, not uint8"
/// Saves the condition.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

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
inline Tensor operator/(double a, const Tensor& x) {
  return div(Tensor::scalar(a, x.dtype(), x.device()), x);
}
inline Tensor operator-(const Tensor& x) { return neg(x); }

}  // namespace tweed
