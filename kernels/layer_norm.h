// Layer normalisation: each row by its own mean and variance.
#pragma once
#include "kernels/batch_norm.h"

namespace tweed {

/// y = (x - mean) * rstd * gamma + beta, with rstd = 1 / sqrt(var + eps) and the biased variance of
/// each row. The mean is found first and the variance around it: right for means far from zero.
///
/// @param x, y        (rows, C), C = gamma's size
/// @param mean, rstd  (rows), results
template <class M, class T>
void layer_norm_forward(M&, int64_t rows, double eps, Span<const T> x, Span<const T> gamma,
                        Span<const T> beta, Span<T> y, Span<acc_t<T>> mean, Span<acc_t<T>> rstd);

/// dgamma, dbeta; and dx unless it is empty, to which its part is added if it `adds`.
///
/// @param partial  (batch_norm_slabs(rows, C), 2, C), scratch
template <class M, class T>
void layer_norm_backward(M&, int64_t rows, bool adds, Span<const T> x, Span<const T> gamma,
                         Span<const acc_t<T>> mean, Span<const acc_t<T>> rstd, Span<const T> dy,
                         Span<T> dx, Span<T> dgamma, Span<T> dbeta, Span<acc_t<T>> partial);

}  // namespace tweed
