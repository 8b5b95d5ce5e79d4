#include "kernels/group_norm.h"
#include "kernels/machine/kernel.h"
#include "kernels/math.h"

namespace tweed {
namespace MACHINE {

#include "kernels/channel_norm.h"

// Level 2, of `per_sample` slabs of each sample: a thread per sample and group joins the moments of
// its slabs and channels, in double.
template <class A>
__global__ void group_norm_join_kernel(GroupShape s, int64_t per_sample, double eps,
                                       const A* __restrict__ partial, A* __restrict__ mean,
                                       A* __restrict__ rstd) {
  const int64_t C = s.channels, width = C / s.groups;
  const double count = double(s.pixels * width);
  for (int64_t i : grid_stride(s.samples * s.groups)) {
    const int64_t n = i / s.groups, c0 = (i - n * s.groups) * width;
    const A* __restrict__ of_slabs = partial + n * per_sample * 2 * C + c0;
    auto rows = [&](int64_t k) {
      return double(s.pixels * (k + 1) / per_sample - s.pixels * k / per_sample);
    };
    const double about = of_slabs[0];  // sums around it are exact where all values are equal
    double off = 0, squares = 0;
    for (int64_t k = 0; k < per_sample; ++k)
      for (int64_t c = 0; c < width; ++c) off += (of_slabs[k * 2 * C + c] - about) * rows(k);
    const double m = about + off / count;
    for (int64_t k = 0; k < per_sample; ++k)
      for (int64_t c = 0; c < width; ++c) {
        const double delta = of_slabs[k * 2 * C + c] - m;
        squares += of_slabs[k * 2 * C + C + c] + delta * delta * rows(k);
      }
    const double var = squares < 0 ? 0 : squares / count;
    for (int64_t c = 0; c < width; ++c) {
      mean[n * C + c0 + c] = A(m);
      rstd[n * C + c0 + c] = A(1 / sqrt(var + eps));
    }
  }
}

template <class T>
__global__ void group_norm_join_channels_kernel(GroupShape s, int64_t per_sample,
                                                const acc_t<T>* __restrict__ rstd,
                                                const acc_t<T>* __restrict__ partial,
                                                T* __restrict__ dgamma, T* __restrict__ dbeta) {
  using A = acc_t<T>;
  const int64_t C = s.channels;
  for (int64_t c : grid_stride(C)) {
    A sum = 0, product = 0;
    for (int64_t n = 0; n < s.samples; ++n)
      for (int64_t k = n * per_sample; k < (n + 1) * per_sample; ++k) {
        sum += partial[k * 2 * C + c];
        product += partial[k * 2 * C + C + c] * rstd[n * C + c];
      }
    dbeta[c] = store<T>(sum);
    dgamma[c] = store<T>(product);
  }
}

// With g = dy gamma: dx = rstd (g - mean of g - (x - mean) rstd^2 (mean of g (x - mean))). A thread
// per sample and group finds those means.
template <class T>
__global__ void group_norm_slopes_kernel(GroupShape s, int64_t per_sample,
                                         const T* __restrict__ gamma,
                                         const acc_t<T>* __restrict__ rstd,
                                         const acc_t<T>* __restrict__ partial,
                                         acc_t<T>* __restrict__ slopes) {
  using A = acc_t<T>;
  const int64_t C = s.channels, width = C / s.groups;
  const A count = A(s.pixels * width);
  for (int64_t i : grid_stride(s.samples * s.groups)) {
    const int64_t n = i / s.groups, c0 = (i - n * s.groups) * width;
    A sum = 0, product = 0;
    for (int64_t k = n * per_sample; k < (n + 1) * per_sample; ++k)
      for (int64_t c = c0; c < c0 + width; ++c) {
        sum += partial[k * 2 * C + c] * load(gamma[c]);
        product += partial[k * 2 * C + C + c] * load(gamma[c]);
      }
    const A r = rstd[n * C + c0];
    for (int64_t c = c0; c < c0 + width; ++c) {
      slopes[n * 2 * C + c] = sum / count;
      slopes[n * 2 * C + C + c] = product / count * r * r;
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

static Config thread_each(int64_t n) { return {.grid = ceil_div(n, 64), .block = {64}}; }

template <class M, class T>
void group_norm_forward(M& here, const GroupShape& s, double eps, Span<const T> x,
                        Span<const T> gamma, Span<const T> beta, Span<T> y, Span<acc_t<T>> mean,
                        Span<acc_t<T>> rstd, Span<acc_t<T>> partial) {
  using A = acc_t<T>;
  launch(channel_moments_kernel<T>, norm_slabs_config<A>(s.slabs(), 2 * norm_block.y + 1), here,
         s.rows(), s.channels, s.slabs(), x, partial);
  launch(group_norm_join_kernel<A>, thread_each(s.samples * s.groups), here, s,
         s.slabs_per_sample(), eps, Span<const A>(partial), mean, rstd);
  launch(channel_norm_forward_kernel<false, T>, norm_rows_config(s.rows()), here, s.rows(),
         s.pixels, s.channels, x, gamma, beta, Span<const A>(mean), Span<const A>(rstd), y);
}

template <class M, class T>
void group_norm_backward(M& here, const GroupShape& s, Span<const T> x, Span<const T> gamma,
                         Span<const acc_t<T>> mean, Span<const acc_t<T>> rstd, Span<const T> dy,
                         Span<T> dx, Span<T> dgamma, Span<T> dbeta, Span<acc_t<T>> partial) {
  using A = acc_t<T>;
  const int64_t cells = s.slabs() * 2 * s.channels;
  const Span<A> sums(partial.data(), cells), slopes(partial.data() + cells, partial.size() - cells);
  launch(channel_sums_kernel<false, T>, norm_slabs_config<A>(s.slabs(), 2 * norm_block.y), here,
         s.rows(), s.pixels, s.channels, s.slabs(), x, mean, Span<const T>(), dy, sums);
  launch(group_norm_join_channels_kernel<T>, thread_each(s.channels), here, s, s.slabs_per_sample(),
         rstd, Span<const A>(sums), dgamma, dbeta);
  if (!dx.size()) return;
  launch(group_norm_slopes_kernel<T>, thread_each(s.samples * s.groups), here, s,
         s.slabs_per_sample(), gamma, rstd, Span<const A>(sums), slopes);
  launch(channel_norm_backward_kernel<false, true, T>, norm_rows_config(s.rows()), here, s.rows(),
         s.pixels, s.channels, x, gamma, mean, rstd, Span<const T>(), dy, Span<const A>(slopes),
         dx);
}

#define INSTANTIATE(T)                                                                             \
  template void group_norm_forward(Here&, const GroupShape&, double, Span<const T>, Span<const T>, \
                                   Span<const T>, Span<T>, Span<acc_t<T>>, Span<acc_t<T>>,         \
                                   Span<acc_t<T>>);                                                \
  template void group_norm_backward(Here&, const GroupShape&, Span<const T>, Span<const T>,        \
                                    Span<const acc_t<T>>, Span<const acc_t<T>>, Span<const T>,     \
                                    Span<T>, Span<T>, Span<T>, Span<acc_t<T>>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
