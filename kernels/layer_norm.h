// Layer normalisation: each row of C channels for itself.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// The pieces into which the sums for dgamma and dbeta are cut. A slab of usual size stays in a
/// core's cache between the two passes over it.
constexpr int64_t layer_norm_slabs(int64_t rows, int64_t C) {
  const int64_t slabs = ceil_div(rows * C, 8192), most = rows < 512 ? rows : 512;
  return slabs < most ? slabs : most;
}

/// y = (x - mean) * rstd * gamma + beta, with each row's mean and rstd = 1 / sqrt(var + eps) of the
/// biased variance; exact for means far from zero.
///
/// @param x, y         (rows, C), C >= 1
/// @param gamma, beta  (C)
/// @param mean, rstd   (rows), written
template <class M, class T>
void layer_norm_forward(M&, double eps, Span<const T> x, Span<const T> gamma, Span<const T> beta,
                        Span<T> y, Span<acc_t<T>> mean, Span<acc_t<T>> rstd);

/// dgamma, dbeta; and dx unless it is empty.
///
/// @param partial  (slabs, 2, C), scratch
template <class M, class T>
void layer_norm_backward(M&, Span<const T> x, Span<const T> gamma, Span<const acc_t<T>> mean,
                         Span<const acc_t<T>> rstd, Span<const T> dy, Span<T> dx, Span<T> dgamma,
                         Span<T> dbeta, Span<acc_t<T>> partial);

}  // namespace tweed
