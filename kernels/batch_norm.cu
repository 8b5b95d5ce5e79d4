#include "kernels/batch_norm.h"
#include "kernels/machine/kernel.h"
#include "kernels/math.h"

namespace tweed {
namespace MACHINE {

#include "kernels/channel_norm.h"

// Level 2: a thread per channel joins the slabs, in double: there are few of them, and a mean far
// from zero would be rounded once for each. Slabs have slab_rows rows, the last what is left; with
// 0 the rows are cut evenly. Source: Chan, Golub, LeVeque 1979.
template <class A>
__global__ void batch_norm_join_kernel(int64_t rows, int64_t C, int64_t slabs, int64_t slab_rows,
                                       double eps, double momentum, const A* __restrict__ partial,
                                       A* __restrict__ mean, A* __restrict__ rstd,
                                       A* __restrict__ running_mean, A* __restrict__ running_var) {
  for (int64_t c : grid_stride(C)) {
    double m = 0, squares = 0;
    for (int64_t slab = 0; slab < slabs; ++slab) {
      const int64_t before = slab_rows ? slab_rows * slab : rows * slab / slabs;
      const int64_t after = slab_rows ? min(before + slab_rows, rows) : rows * (slab + 1) / slabs;
      const int64_t n = after - before;
      const double share = double(n) / double(before + n);
      const double delta = partial[slab * 2 * C + c] - m;
      m += delta * share;
      squares += partial[slab * 2 * C + C + c] + delta * delta * double(before) * share;
    }
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
  for (int64_t c : grid_stride(C)) {
    A sum = 0, product = 0;
    for (int64_t slab = 0; slab < slabs; ++slab) {
      sum += partial[slab * 2 * C + c];
      product += partial[slab * 2 * C + C + c];
    }
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
  launch(channel_moments_kernel<T>, norm_slabs_config<A>(slabs, 2 * norm_block.y + 1), here, rows,
         C, slabs, x, partial);
  launch(batch_norm_join_kernel<A>, {.grid = ceil_div(C, 64), .block = {64}}, here, rows, C, slabs,
         int64_t(0), eps, momentum, Span<const A>(partial), mean, rstd, running_mean, running_var);
}

template <class M, class A>
void batch_norm_join(M& here, int64_t rows, int64_t slab_rows, double eps, double momentum,
                     Span<const A> moments, Span<A> mean, Span<A> rstd, Span<A> running_mean,
                     Span<A> running_var) {
  const int64_t C = mean.size();
  launch(batch_norm_join_kernel<A>, {.grid = ceil_div(C, 64), .block = {64}}, here, rows, C,
         ceil_div(rows, slab_rows), slab_rows, eps, momentum, moments, mean, rstd, running_mean,
         running_var);
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
  launch(activation == Activation::relu ? channel_norm_forward_kernel<true, T>
                                        : channel_norm_forward_kernel<false, T>,
         norm_rows_config(rows), here, rows, rows, mean.size(), x, gamma, beta, mean, rstd, y);
}

template <class M, class T>
void batch_norm_backward(M& here, Activation activation, bool training, int64_t rows,
                         Span<const T> x, Span<const T> gamma, Span<const acc_t<T>> mean,
                         Span<const acc_t<T>> rstd, Span<const T> y, Span<const T> dy, Span<T> dx,
                         Span<T> dgamma, Span<T> dbeta, Span<acc_t<T>> partial) {
  using A = acc_t<T>;
  const bool relu = activation == Activation::relu;
  const int64_t C = mean.size(), slabs = batch_norm_slabs(rows, C);
  launch(relu ? channel_sums_kernel<true, T> : channel_sums_kernel<false, T>,
         norm_slabs_config<A>(slabs, 2 * norm_block.y), here, rows, rows, C, slabs, x, mean, y, dy,
         partial);
  launch(batch_norm_join_sums_kernel<T>, {.grid = ceil_div(C, 64), .block = {64}}, here, rows, C,
         slabs, gamma, rstd, partial, dgamma, dbeta);
  if (!dx.size()) return;
  auto kernel = relu       ? training ? channel_norm_backward_kernel<true, true, T>
                                      : channel_norm_backward_kernel<true, false, T>
                      : training ? channel_norm_backward_kernel<false, true, T>
                           : channel_norm_backward_kernel<false, false, T>;
  launch(kernel, norm_rows_config(rows), here, rows, rows, C, x, gamma, mean, rstd, y, dy,
         Span<const A>(partial.data() + slabs * 2 * C, 2 * C), dx);
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
