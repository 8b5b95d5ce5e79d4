// Batch normalisation over rows of C channels.
#pragma once
#include "kernels/bias.h"
#include "kernels/machine/machine.h"

namespace tweed {

/// The pieces into which sums over rows are cut. A slab stays in a core's cache between the two
/// passes over it, there are enough for all multiprocessors of a GPU, and what is left of a slab is
/// little beside it.
constexpr int64_t norm_slab_size = 16384;
constexpr int64_t batch_norm_slabs(int64_t rows, int64_t C) {
  const int64_t slabs = ceil_div(rows * C, norm_slab_size), enough = ceil_div(rows, 16);
  const int64_t most = enough < 4096 ? enough : 4096;
  return slabs < most ? slabs : most;
}

/// mean and rstd = 1 / sqrt(var + eps) of each channel, with the biased variance; and, if the
/// running statistics are not empty, running = (1 - momentum) running + momentum (mean, unbiased
/// var). Slabs are summed around a number of their own and joined by Chan's formula: right for
/// means far from zero. `batches`, one number unless it is empty, is counted up.
///
/// @param x        (rows, C), rows >= 1
/// @param partial  (slabs, 2, C), scratch
template <class M, class T>
void batch_norm_statistics(M&, int64_t rows, double eps, double momentum, Span<const T> x,
                           Span<acc_t<T>> mean, Span<acc_t<T>> rstd, Span<acc_t<T>> running_mean,
                           Span<acc_t<T>> running_var, Span<int32_t> batches,
                           Span<acc_t<T>> partial);

/// The same from moments that somebody else found.
/// @param moments  (slabs, 2, C): mean, and sum of squared deviations from it, of each channel in
///                 slab_rows rows after the other; the last slab has what is left
template <class M, class A>
void batch_norm_join(M&, int64_t rows, int64_t slab_rows, double eps, double momentum,
                     Span<const A> moments, Span<A> mean, Span<A> rstd, Span<A> running_mean,
                     Span<A> running_var, Span<int32_t> batches);

/// The mean, and the sum of squared deviations from it, of each channel: (2, C).
/// @param partial  (slabs, 2, C), scratch
template <class M, class T>
void batch_norm_moments(M&, int64_t rows, Span<const T> x, Span<acc_t<T>> result,
                        Span<acc_t<T>> partial);
/// The same from moments that somebody else found, as batch_norm_join() has them.
template <class M, class A>
void batch_norm_join_moments(M&, int64_t rows, int64_t slab_rows, Span<const A> moments,
                             Span<A> result);
/// batch_norm_join() of a batch of `images` whose parts, as even as can be, several processes have:
/// part p begins with image images * p / parts.
/// @param moments  (parts, 2, C);   @param pixels  rows of an image
template <class M, class A>
void batch_norm_join_parts(M&, int64_t images, int64_t pixels, double eps, double momentum,
                           Span<const A> moments, Span<A> mean, Span<A> rstd, Span<A> running_mean,
                           Span<A> running_var, Span<int32_t> batches);

/// rstd = 1 / sqrt(var + eps). A is float or double.
template <class M, class A>
void batch_norm_rstd(M&, double eps, Span<const A> var, Span<A> rstd);

/// y = activation((x - mean) * rstd * gamma + beta)
template <class M, class T>
void batch_norm_forward(M&, Activation, int64_t rows, Span<const T> x, Span<const T> gamma,
                        Span<const T> beta, Span<const acc_t<T>> mean, Span<const acc_t<T>> rstd,
                        Span<T> y);

/// dgamma, dbeta; and dx unless it is empty. In training mean and rstd depend on x.
///
/// @param y        the result, read if there is an activation
/// @param partial  (slabs + 1, 2, C), scratch
template <class M, class T>
void batch_norm_backward(M&, Activation, bool training, int64_t rows, Span<const T> x,
                         Span<const T> gamma, Span<const acc_t<T>> mean, Span<const acc_t<T>> rstd,
                         Span<const T> y, Span<const T> dy, Span<T> dx, Span<T> dgamma,
                         Span<T> dbeta, Span<acc_t<T>> partial);

/// The same in training in two steps, where parts of the batch are elsewhere. First dgamma and
/// dbeta of the rows that are here, and the sums that dx needs of each part:
/// @param sums     (2, C);   @param partial  (slabs, 2, C), scratch
template <class M, class T>
void batch_norm_sums(M&, Activation, int64_t rows, Span<const T> x, Span<const acc_t<T>> mean,
                     Span<const acc_t<T>> rstd, Span<const T> y, Span<const T> dy, Span<T> dgamma,
                     Span<T> dbeta, Span<acc_t<T>> sums, Span<acc_t<T>> partial);
/// then dx of the rows that are here, from the sums of all parts.
/// @param rows     of this part;   @param all_rows  of all
/// @param sums     (parts, 2, C), added up in their order;   @param slopes  (2, C), scratch
template <class M, class T>
void batch_norm_backward_by_sums(M&, Activation, int64_t rows, int64_t all_rows, Span<const T> x,
                                 Span<const T> gamma, Span<const acc_t<T>> mean,
                                 Span<const acc_t<T>> rstd, Span<const T> y, Span<const T> dy,
                                 Span<const acc_t<T>> sums, Span<acc_t<T>> slopes, Span<T> dx);

}  // namespace tweed
