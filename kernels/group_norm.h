// Group normalisation: each sample's groups of neighbouring channels by their own mean and
// variance.
#pragma once
#include "kernels/batch_norm.h"

namespace tweed {

/// x as group norm sees it: (samples, pixels, channels), channels in `groups` of equal size.
struct GroupShape {
  int64_t samples, pixels, channels, groups;

  constexpr int64_t rows() const { return samples * pixels; }
  /// The pieces into which sums are cut; no piece has rows of two samples.
  constexpr int64_t slabs_per_sample() const { return batch_norm_slabs(pixels, channels); }
  constexpr int64_t slabs() const { return samples * slabs_per_sample(); }
};

/// y = (x - mean) * rstd * gamma + beta, with rstd = 1 / sqrt(var + eps) and the biased variance of
/// each sample and group. Slabs are joined by Chan's formula.
///
/// @param x, y         (samples, pixels, channels), not empty
/// @param gamma, beta  (channels)
/// @param mean, rstd   (samples, channels), results, repeated for the channels of a group
/// @param partial      (slabs, 2, channels), scratch
template <class M, class T>
void group_norm_forward(M&, const GroupShape&, double eps, Span<const T> x, Span<const T> gamma,
                        Span<const T> beta, Span<T> y, Span<acc_t<T>> mean, Span<acc_t<T>> rstd,
                        Span<acc_t<T>> partial);

/// dgamma, dbeta; and dx unless it is empty.
///
/// @param partial  (slabs + samples, 2, channels), scratch
template <class M, class T>
void group_norm_backward(M&, const GroupShape&, Span<const T> x, Span<const T> gamma,
                         Span<const acc_t<T>> mean, Span<const acc_t<T>> rstd, Span<const T> dy,
                         Span<T> dx, Span<T> dgamma, Span<T> dbeta, Span<acc_t<T>> partial);

}  // namespace tweed
