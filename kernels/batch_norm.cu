#include "kernels/batch_norm.h"
#include "kernels/machine/kernel.h"
#include "kernels/math.h"
#include "kernels/packs/packs.h"
#include "kernels/quotient.h"

namespace tweed {
namespace MACHINE {

#include "kernels/channel_norm.h"

/// How many rows slabs have: `each`, the last what is left; or, where that is 0, rows are cut
/// evenly and slab s begins at rows * s / slabs. A GPU takes a hundred instructions to divide
/// 64-bit numbers. Even slabs are at most 4,096. `unit` rows that stay together are cut as one.
struct SlabRows {
  int64_t rows, each = 0, least = 0, unit = 1;
  int rest = 0;
  Quotient of_slabs;

  SlabRows(int64_t rows, int64_t slabs)
      : rows(rows), least(rows / slabs), rest(int(rows % slabs)), of_slabs(int(slabs)) {}
  static SlabRows of(int64_t each, int64_t rows) {
    SlabRows s(rows, 1);
    s.each = each;
    return s;
  }
  static SlabRows of_parts(int64_t images, int64_t pixels, int64_t parts) {
    SlabRows s(images, parts);
    s.rows = images * pixels;
    s.unit = pixels;
    return s;
  }
  TWEED_INLINE int64_t operator[](int64_t slab) const {
    if (each) return min(each, rows - slab * each);
    return unit * (least + (of_slabs.of(rest * int(slab + 1)) - of_slabs.of(rest * int(slab))));
  }
};

// Level 2: joins the slabs of a channel, in double: there are few of them, and a mean far from zero
// would be rounded once for each. A column of threads for each channel, see column_sum(). Sums are
// around the first slab's mean: exact where all are equal. Without rstd, the sum of squared
// deviations follows the means.
template <class A>
__global__ void batch_norm_join_kernel(SlabRows in_slab, int64_t C, int64_t slabs, double eps,
                                       double momentum, const A* __restrict__ partial,
                                       A* __restrict__ mean, A* __restrict__ rstd,
                                       A* __restrict__ running_mean, A* __restrict__ running_var,
                                       int32_t* __restrict__ batches) {
  const double rows = double(in_slab.rows);
  if (batches && blockIdx.x == 0 && threadIdx.x == 0 && threadIdx.y == 0) ++*batches;
  for (int64_t tile : grid_blocks(ceil_div(C, blockDim.x))) {
    const int64_t at = tile * blockDim.x + threadIdx.x, c = min(at, C - 1);
    const double about = partial[c];
    const auto sums = column_sum(slabs, [&](int64_t slab) {
      const A* const p = partial + slab * 2 * C + c;
      const double d = double(*p) - about, nd = double(in_slab[slab]) * d;
      return SumPair<double>{nd, double(p[C]) + nd * d};
    });
    if (at >= C || threadIdx.y != 0) continue;
    const double off = sums.a / rows, m = about + off, around = sums.b - rows * off * off;
    const double squares = around < 0 ? 0 : around;  // rounding, where all values are equal
    mean[c] = A(m);
    if (!rstd) {
      mean[C + c] = A(squares);
      continue;
    }
    rstd[c] = A(1 / sqrt(squares / rows + eps));
    if (running_mean) {
      running_mean[c] = A((1 - momentum) * running_mean[c] + momentum * m);
      running_var[c] = A((1 - momentum) * running_var[c] + momentum * squares / (rows - 1));
    }
  }
}

template <class A>
__global__ void batch_norm_rstd_kernel(int64_t C, A eps, const A* __restrict__ var,
                                       A* __restrict__ rstd) {
  for (int64_t c : grid_stride(C)) rstd[c] = 1 / sqrt(var[c] + eps);
}

// Level 2: dbeta and dgamma, and the two numbers a channel needs for dx:
// dx = gamma rstd (dz - mean of dz - (x - mean) rstd^2 (mean of dz (x - mean)))
// Without gamma the sums alone.
template <class T>
__global__ void batch_norm_join_sums_kernel(int64_t rows, int64_t C, int64_t slabs,
                                            const T* __restrict__ gamma,
                                            const acc_t<T>* __restrict__ rstd,
                                            const acc_t<T>* __restrict__ partial,
                                            acc_t<T>* __restrict__ slopes, T* __restrict__ dgamma,
                                            T* __restrict__ dbeta) {
  using A = acc_t<T>;
  for (int64_t tile : grid_blocks(ceil_div(C, blockDim.x))) {
    const int64_t at = tile * blockDim.x + threadIdx.x, c = min(at, C - 1);
    const auto [sum, product] = column_sum(slabs, [&](int64_t slab) {
      const A* const p = partial + slab * 2 * C + c;
      return SumPair<A>{*p, p[C]};
    });
    if (at >= C || threadIdx.y != 0) continue;
    dbeta[c] = store<T>(sum);
    dgamma[c] = store<T>(product * rstd[c]);
    slopes[c] = gamma ? load(gamma[c]) * (sum / A(rows)) : sum;
    slopes[C + c] = gamma ? load(gamma[c]) * (product / A(rows) * rstd[c] * rstd[c]) : product;
  }
}

// The same two numbers from the sums of parts.
template <class T>
__global__ void batch_norm_slopes_kernel(int64_t rows, int64_t C, int64_t parts,
                                         const T* __restrict__ gamma,
                                         const acc_t<T>* __restrict__ rstd,
                                         const acc_t<T>* __restrict__ sums,
                                         acc_t<T>* __restrict__ slopes) {
  using A = acc_t<T>;
  for (int64_t c : grid_stride(C)) {
    A sum = 0, product = 0;
    for (int64_t part = 0; part < parts; ++part) {
      sum += sums[part * 2 * C + c];
      product += sums[part * 2 * C + C + c];
    }
    slopes[c] = load(gamma[c]) * (sum / A(rows));
    slopes[C + c] = load(gamma[c]) * (product / A(rows) * rstd[c] * rstd[c]);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void batch_norm_statistics(M& here, int64_t rows, double eps, double momentum, Span<const T> x,
                           Span<acc_t<T>> mean, Span<acc_t<T>> rstd, Span<acc_t<T>> running_mean,
                           Span<acc_t<T>> running_var, Span<int32_t> batches,
                           Span<acc_t<T>> partial) {
  using A = acc_t<T>;
  const int64_t C = mean.size(), slabs = batch_norm_slabs(rows, C);
  channel_moments(here, rows, C, slabs, x, partial);
  launch(batch_norm_join_kernel<A>, column_sum_config(C, slabs), here, SlabRows(rows, slabs), C,
         slabs, eps, momentum, Span<const A>(partial), mean, rstd, running_mean, running_var,
         batches);
}

template <class M, class A>
void batch_norm_join(M& here, int64_t rows, int64_t slab_rows, double eps, double momentum,
                     Span<const A> moments, Span<A> mean, Span<A> rstd, Span<A> running_mean,
                     Span<A> running_var, Span<int32_t> batches) {
  const int64_t C = mean.size(), slabs = ceil_div(rows, slab_rows);
  launch(batch_norm_join_kernel<A>, column_sum_config(C, slabs), here,
         SlabRows::of(slab_rows, rows), C, slabs, eps, momentum, moments, mean, rstd, running_mean,
         running_var, batches);
}

template <class M, class T>
void batch_norm_moments(M& here, int64_t rows, Span<const T> x, Span<acc_t<T>> result,
                        Span<acc_t<T>> partial) {
  using A = acc_t<T>;
  const int64_t C = result.size() / 2, slabs = batch_norm_slabs(rows, C);
  channel_moments(here, rows, C, slabs, x, partial);
  launch(batch_norm_join_kernel<A>, column_sum_config(C, slabs), here, SlabRows(rows, slabs), C,
         slabs, 0.0, 0.0, Span<const A>(partial), result, Span<A>(), Span<A>(), Span<A>(),
         Span<int32_t>());
}

template <class M, class A>
void batch_norm_join_moments(M& here, int64_t rows, int64_t slab_rows, Span<const A> moments,
                             Span<A> result) {
  const int64_t C = result.size() / 2, slabs = ceil_div(rows, slab_rows);
  launch(batch_norm_join_kernel<A>, column_sum_config(C, slabs), here,
         SlabRows::of(slab_rows, rows), C, slabs, 0.0, 0.0, moments, result, Span<A>(), Span<A>(),
         Span<A>(), Span<int32_t>());
}

template <class M, class A>
void batch_norm_join_parts(M& here, int64_t images, int64_t pixels, double eps, double momentum,
                           Span<const A> moments, Span<A> mean, Span<A> rstd, Span<A> running_mean,
                           Span<A> running_var, Span<int32_t> batches) {
  const int64_t C = mean.size(), parts = moments.size() / (2 * C);
  launch(batch_norm_join_kernel<A>, column_sum_config(C, parts), here,
         SlabRows::of_parts(images, pixels, parts), C, parts, eps, momentum, moments, mean, rstd,
         running_mean, running_var, batches);
}

template <class M, class A>
void batch_norm_rstd(M& here, double eps, Span<const A> var, Span<A> rstd) {
  launch(batch_norm_rstd_kernel<A>, {.grid = ceil_div(rstd.size(), 64), .block = {64}}, here,
         rstd.size(), A(eps), var, rstd);
}

template <class M, class T>
void batch_norm_forward(M& here, Activation activation, int64_t rows, Span<const T> x,
                        Span<const T> gamma, Span<const T> beta, Span<const acc_t<T>> mean,
                        Span<const acc_t<T>> rstd, Span<T> y) {
  auto with = activation == Activation::relu ? channel_norm_forward<true, T>
                                             : channel_norm_forward<false, T>;
  with(here, rows, rows, mean.size(), x, gamma, beta, mean, rstd, y);
}

template <class M, class T>
void batch_norm_backward(M& here, Activation activation, bool training, int64_t rows,
                         Span<const T> x, Span<const T> gamma, Span<const acc_t<T>> mean,
                         Span<const acc_t<T>> rstd, Span<const T> y, Span<const T> dy, Span<T> dx,
                         Span<T> dgamma, Span<T> dbeta, Span<acc_t<T>> partial) {
  using A = acc_t<T>;
  const bool relu = activation == Activation::relu;
  const int64_t C = mean.size(), slabs = batch_norm_slabs(rows, C);
  const auto sums = relu ? channel_sums<true, T> : channel_sums<false, T>;
  sums(here, rows, rows, C, slabs, x, mean, y, dy, partial);
  const Span<A> slopes(partial.data() + slabs * 2 * C, 2 * C);
  launch(batch_norm_join_sums_kernel<T>, column_sum_config(C, slabs), here, rows, C, slabs, gamma,
         rstd, Span<const A>(partial), slopes, dgamma, dbeta);
  if (!dx.size()) return;
  const auto back =
      relu ? training ? channel_norm_backward<true, true, T> : channel_norm_backward<true, false, T>
      : training ? channel_norm_backward<false, true, T>
                 : channel_norm_backward<false, false, T>;
  back(here, rows, rows, C, x, gamma, mean, rstd, y, dy, Span<const A>(slopes), dx);
}

template <class M, class T>
void batch_norm_sums(M& here, Activation activation, int64_t rows, Span<const T> x,
                     Span<const acc_t<T>> mean, Span<const acc_t<T>> rstd, Span<const T> y,
                     Span<const T> dy, Span<T> dgamma, Span<T> dbeta, Span<acc_t<T>> sums,
                     Span<acc_t<T>> partial) {
  using A = acc_t<T>;
  const int64_t C = mean.size(), slabs = batch_norm_slabs(rows, C);
  const auto of_slabs =
      activation == Activation::relu ? channel_sums<true, T> : channel_sums<false, T>;
  of_slabs(here, rows, rows, C, slabs, x, mean, y, dy, partial);
  launch(batch_norm_join_sums_kernel<T>, column_sum_config(C, slabs), here, rows, C, slabs,
         Span<const T>(), rstd, Span<const A>(partial), sums, dgamma, dbeta);
}

template <class M, class T>
void batch_norm_backward_by_sums(M& here, Activation activation, int64_t rows, int64_t all_rows,
                                 Span<const T> x, Span<const T> gamma, Span<const acc_t<T>> mean,
                                 Span<const acc_t<T>> rstd, Span<const T> y, Span<const T> dy,
                                 Span<const acc_t<T>> sums, Span<acc_t<T>> slopes, Span<T> dx) {
  const int64_t C = mean.size();
  launch(batch_norm_slopes_kernel<T>, {.grid = ceil_div(C, 64), .block = {64}}, here, all_rows, C,
         sums.size() / (2 * C), gamma, rstd, sums, slopes);
  const auto back = activation == Activation::relu ? channel_norm_backward<true, true, T>
                                                   : channel_norm_backward<false, true, T>;
  back(here, rows, rows, C, x, gamma, mean, rstd, y, dy, Span<const acc_t<T>>(slopes), dx);
}

#define INSTANTIATE(T)                                                                             \
  template void batch_norm_statistics(Here&, int64_t, double, double, Span<const T>,               \
                                      Span<acc_t<T>>, Span<acc_t<T>>, Span<acc_t<T>>,              \
                                      Span<acc_t<T>>, Span<int32_t>, Span<acc_t<T>>);              \
  template void batch_norm_forward(Here&, Activation, int64_t, Span<const T>, Span<const T>,       \
                                   Span<const T>, Span<const acc_t<T>>, Span<const acc_t<T>>,      \
                                   Span<T>);                                                       \
  template void batch_norm_backward(Here&, Activation, bool, int64_t, Span<const T>,               \
                                    Span<const T>, Span<const acc_t<T>>, Span<const acc_t<T>>,     \
                                    Span<const T>, Span<const T>, Span<T>, Span<T>, Span<T>,       \
                                    Span<acc_t<T>>);                                               \
  template void batch_norm_moments(Here&, int64_t, Span<const T>, Span<acc_t<T>>, Span<acc_t<T>>); \
  template void batch_norm_sums(Here&, Activation, int64_t, Span<const T>, Span<const acc_t<T>>,   \
                                Span<const acc_t<T>>, Span<const T>, Span<const T>, Span<T>,       \
                                Span<T>, Span<acc_t<T>>, Span<acc_t<T>>);                          \
  template void batch_norm_backward_by_sums(Here&, Activation, int64_t, int64_t, Span<const T>,    \
                                            Span<const T>, Span<const acc_t<T>>,                   \
                                            Span<const acc_t<T>>, Span<const T>, Span<const T>,    \
                                            Span<const acc_t<T>>, Span<acc_t<T>>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)
#define INSTANTIATE_ACCUMULATOR(A)                                                               \
  template void batch_norm_rstd(Here&, double, Span<const A>, Span<A>);                          \
  template void batch_norm_join(Here&, int64_t, int64_t, double, double, Span<const A>, Span<A>, \
                                Span<A>, Span<A>, Span<A>, Span<int32_t>);                       \
  template void batch_norm_join_moments(Here&, int64_t, int64_t, Span<const A>, Span<A>);        \
  template void batch_norm_join_parts(Here&, int64_t, int64_t, double, double, Span<const A>,    \
                                      Span<A>, Span<A>, Span<A>, Span<A>, Span<int32_t>);
INSTANTIATE_ACCUMULATOR(float)
INSTANTIATE_ACCUMULATOR(double)

}  // namespace tweed
