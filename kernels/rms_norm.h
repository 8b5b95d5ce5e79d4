// Normalisation of each row by its root mean square.
#pragma once
#include "kernels/batch_norm.h"

namespace tweed {

/// y = x * rstd * gamma, with rstd = 1 / sqrt(mean of x^2 + eps) of each row.
///
/// @param x, y  (rows, C), C = gamma's size
/// @param rstd  (rows), a result
template <class M, class T>
void rms_norm_forward(M&, int64_t rows, double eps, Span<const T> x, Span<const T> gamma, Span<T> y,
                      Span<acc_t<T>> rstd);

/// dgamma; and dx unless it is empty, to which its part is added if it `adds`.
///
/// @param partial  (batch_norm_slabs(rows, C), C), scratch
template <class M, class T>
void rms_norm_backward(M&, int64_t rows, bool adds, Span<const T> x, Span<const T> gamma,
                       Span<const acc_t<T>> rstd, Span<const T> dy, Span<T> dx, Span<T> dgamma,
                       Span<acc_t<T>> partial);

}  // namespace tweed
