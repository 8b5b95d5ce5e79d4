#include "kernels/batch_norm.h"
#include "kernels/machine/kernel.h"
#include "kernels/math.h"
#include "kernels/packs/packs.h"

namespace tweed {
namespace MACHINE {

#include "kernels/channel_norm.h"

// Level 2: joins the slabs of a channel, in double: there are few of them, and a mean far from zero
// would be rounded once for each. Slabs have slab_rows rows, the last what is left; with 0 the rows
// are cut evenly. A column of threads for each channel, see column_sum().
template <class A>
__global__ void batch_norm_join_kernel(int64_t rows, int64_t C, int64_t slabs, int64_t slab_rows,
                                       double eps, double momentum, const A* __restrict__ partial,
                                       A* __restrict__ mean, A* __restrict__ rstd,
                                       A* __restrict__ running_mean, A* __restrict__ running_var) {
  const EvenCut even(rows, slabs);
  auto begin = [&](int64_t slab) {
    return slab_rows ? min(slab * slab_rows, rows) : even.begin(slab);
  };
  for (int64_t tile : grid_blocks(ceil_div(C, blockDim.x))) {
    const int64_t c = tile * blockDim.x + threadIdx.x;
    auto sum = [&](auto f) {
      return column_sum(slabs, [&](int64_t slab) {
        return c < C ? f(double(begin(slab + 1) - begin(slab)), partial + slab * 2 * C + c) : 0.0;
      });
    };
    const double about = c < C ? partial[c] : 0;  // sums around it are exact where all are equal
    const double m =
        about + sum([&](double n, const A* p) { return n * (double(*p) - about); }) / double(rows);
    double squares = sum([&](double n, const A* p) {
      const double d = double(*p) - m;
      return double(p[C]) + n * d * d;
    });
    if (c >= C || threadIdx.y != 0) continue;
    squares = squares < 0 ? 0 : squares;  // rounding, where all values are equal
    mean[c] = A(m);
    rstd[c] = A(1 / sqrt(squares / double(rows) + eps));
    if (running_mean) {
      running_mean[c] = A((1 - momentum) * running_mean[c] + momentum * m);
      running_var[c] = A((1 - momentum) * running_var[c] + momentum * squares / double(rows - 1));
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
template <class T>
__global__ void batch_norm_join_sums_kernel(int64_t rows, int64_t C, int64_t slabs,
                                            const T* __restrict__ gamma,
                                            const acc_t<T>* __restrict__ rstd,
                                            acc_t<T>* __restrict__ partial, T* __restrict__ dgamma,
                                            T* __restrict__ dbeta) {
  using A = acc_t<T>;
  A* const slopes = partial + slabs * 2 * C;
  for (int64_t tile : grid_blocks(ceil_div(C, blockDim.x))) {
    const int64_t c = tile * blockDim.x + threadIdx.x;
    auto total = [&](int64_t first) {
      return column_sum(
          slabs, [&](int64_t slab) { return c < C ? partial[slab * 2 * C + first + c] : A(0); });
    };
    const A sum = total(0), product = total(C);
    if (c >= C || threadIdx.y != 0) continue;
    dbeta[c] = store<T>(sum);
    dgamma[c] = store<T>(product * rstd[c]);
    slopes[c] = load(gamma[c]) * (sum / A(rows));
    slopes[C + c] = load(gamma[c]) * (product / A(rows) * rstd[c] * rstd[c]);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void batch_norm_statistics(M& here, int64_t rows, double eps, double momentum, Span<const T> x,
                           Span<acc_t<T>> mean, Span<acc_t<T>> rstd, Span<acc_t<T>> running_mean,
                           Span<acc_t<T>> running_var, Span<acc_t<T>> partial) {
  using A = acc_t<T>;
  const int64_t C = mean.size(), slabs = batch_norm_slabs(rows, C);
  channel_moments(here, rows, C, slabs, x, partial);
  launch(batch_norm_join_kernel<A>, column_sum_config(C, slabs), here, rows, C, slabs, int64_t(0),
         eps, momentum, Span<const A>(partial), mean, rstd, running_mean, running_var);
}

template <class M, class A>
void batch_norm_join(M& here, int64_t rows, int64_t slab_rows, double eps, double momentum,
                     Span<const A> moments, Span<A> mean, Span<A> rstd, Span<A> running_mean,
                     Span<A> running_var) {
  const int64_t C = mean.size(), slabs = ceil_div(rows, slab_rows);
  launch(batch_norm_join_kernel<A>, column_sum_config(C, slabs), here, rows, C, slabs, slab_rows,
         eps, momentum, moments, mean, rstd, running_mean, running_var);
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
  const bool relu = activation == Activation::relu;
  const int64_t C = mean.size(), slabs = batch_norm_slabs(rows, C);
  const auto sums = relu ? channel_sums<true, T> : channel_sums<false, T>;
  sums(here, rows, rows, C, slabs, x, mean, y, dy, partial);
  launch(batch_norm_join_sums_kernel<T>, column_sum_config(C, slabs), here, rows, C, slabs, gamma,
         rstd, partial, dgamma, dbeta);
  if (!dx.size()) return;
  const auto back =
      relu ? training ? channel_norm_backward<true, true, T> : channel_norm_backward<true, false, T>
      : training ? channel_norm_backward<false, true, T>
                 : channel_norm_backward<false, false, T>;
  back(here, rows, rows, C, x, gamma, mean, rstd, y, dy,
       Span<const acc_t<T>>(partial.data() + slabs * 2 * C, 2 * C), dx);
}

#define INSTANTIATE(T)                                                                         \
  template void batch_norm_statistics(Here&, int64_t, double, double, Span<const T>,           \
                                      Span<acc_t<T>>, Span<acc_t<T>>, Span<acc_t<T>>,          \
                                      Span<acc_t<T>>, Span<acc_t<T>>);                         \
  template void batch_norm_forward(Here&, Activation, int64_t, Span<const T>, Span<const T>,   \
                                   Span<const T>, Span<const acc_t<T>>, Span<const acc_t<T>>,  \
                                   Span<T>);                                                   \
  template void batch_norm_backward(Here&, Activation, bool, int64_t, Span<const T>,           \
                                    Span<const T>, Span<const acc_t<T>>, Span<const acc_t<T>>, \
                                    Span<const T>, Span<const T>, Span<T>, Span<T>, Span<T>,   \
                                    Span<acc_t<T>>);
FOR_FLOATING_TYPES(INSTANTIATE)
#define INSTANTIATE_ACCUMULATOR(A)                                                               \
  template void batch_norm_rstd(Here&, double, Span<const A>, Span<A>);                          \
  template void batch_norm_join(Here&, int64_t, int64_t, double, double, Span<const A>, Span<A>, \
                                Span<A>, Span<A>, Span<A>);
INSTANTIATE_ACCUMULATOR(float)
INSTANTIATE_ACCUMULATOR(double)

}  // namespace tweed
