// Comparisons and what is made of them: masks of bytes, 1 for yes and 0 for no, such as where() and
// sum(cast(mask, DType::float32)) take. Nothing here is recorded.
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// a == b, a != b, a < b, a <= b, a > b, a >= b. NaN is equal to nothing, and neither less nor
/// greater.
///
/// @param a, b  shapes that broadcast as for add(), equal dtypes (any) and devices
/// @return      uint8, the shape they broadcast to
/// @throws ShapeError  "[less] shapes (2, 3) and (4)"
Tensor equal(const Tensor& a, const Tensor& b);
Tensor not_equal(const Tensor& a, const Tensor& b);
Tensor less(const Tensor& a, const Tensor& b);
Tensor less_equal(const Tensor& a, const Tensor& b);
Tensor greater(const Tensor& a, const Tensor& b);
Tensor greater_equal(const Tensor& a, const Tensor& b);
/// The same with a number, which is rounded to x's dtype (bfloat16: to float32), but for integers,
/// which are compared with it as it is.
Tensor equal(const Tensor& x, double v);
Tensor not_equal(const Tensor& x, double v);
Tensor less(const Tensor& x, double v);
Tensor less_equal(const Tensor& x, double v);
Tensor greater(const Tensor& x, double v);
Tensor greater_equal(const Tensor& x, double v);

/// Of masks, in which all but 0 counts as yes. There are no && and ||, which would always evaluate
/// both sides, and no == and !=, which the library and its users compare handles with.
///
/// @param a, b  uint8, shapes that broadcast
/// @throws ShapeError  "[logical_and] float32, not uint8"
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_xor(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& mask);

/// Which elements are NaN; are infinite, of either sign; are neither. @param x  of a floating dtype
Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);

inline Tensor operator<(const Tensor& a, const Tensor& b) { return less(a, b); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return less_equal(a, b); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return greater(a, b); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return greater_equal(a, b); }
inline Tensor operator<(const Tensor& x, double v) { return less(x, v); }
inline Tensor operator<=(const Tensor& x, double v) { return less_equal(x, v); }
inline Tensor operator>(const Tensor& x, double v) { return greater(x, v); }
inline Tensor operator>=(const Tensor& x, double v) { return greater_equal(x, v); }
inline Tensor operator<(double v, const Tensor& x) { return greater(x, v); }
inline Tensor operator<=(double v, const Tensor& x) { return greater_equal(x, v); }
inline Tensor operator>(double v, const Tensor& x) { return less(x, v); }
inline Tensor operator>=(double v, const Tensor& x) { return less_equal(x, v); }

}  // namespace tweed
