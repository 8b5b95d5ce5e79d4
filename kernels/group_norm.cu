#include "kernels/group_norm.h"
#include "kernels/machine/kernel.h"
#include "kernels/math.h"
#include "kernels/packs/packs.h"

namespace tweed {
namespace MACHINE {

#include "kernels/channel_norm.h"

// The slabs of a sample and the channels of a group, as one range.
struct GroupCells {
  int64_t channels, width, count;
  __device__ GroupCells(const GroupShape& s, int64_t per_sample)
      : channels(s.channels), width(s.channels / s.groups), count(per_sample * width) {}
  __device__ int64_t slab(int64_t i) const { return uint32_t(i) / uint32_t(width); }
  // Beyond the first channel of the group in the first slab; see `partial`.
  __device__ int64_t at(int64_t i) const {
    const int64_t k = slab(i);
    return k * 2 * channels + i - k * width;
  }
};

// Level 2, of `per_sample` slabs of each sample: a warp per sample and group joins the moments of
// its slabs and channels, in double.
template <class A>
__global__ void group_norm_join_kernel(GroupShape s, int64_t per_sample, double eps,
                                       const A* __restrict__ partial, A* __restrict__ mean,
                                       A* __restrict__ rstd) {
  const int64_t C = s.channels;
  const GroupCells cells(s, per_sample);
  const EvenCut even(s.pixels, per_sample);
  const double count = double(s.pixels * cells.width);
  for (int64_t i : grid_rows(s.samples * s.groups)) {
    const int64_t n = i / s.groups, c0 = (i - n * s.groups) * cells.width;
    const A* __restrict__ of_slabs = partial + n * per_sample * 2 * C + c0;
    const double about = of_slabs[0];  // sums around it are exact where all values are equal
    const double m =
        about + warp_sum(cells.count, [&](int64_t j) {
                  return (of_slabs[cells.at(j)] - about) * double(even.rows(cells.slab(j)));
                }) / count;
    const double squares = warp_sum(cells.count, [&](int64_t j) {
      const double delta = of_slabs[cells.at(j)] - m;
      return of_slabs[cells.at(j) + C] + delta * delta * double(even.rows(cells.slab(j)));
    });
    const double var = squares < 0 ? 0 : squares / count;
    for (int64_t c : block_stride(cells.width)) {
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
  const int64_t C = s.channels, slabs = s.samples * per_sample;
  for (int64_t tile : grid_blocks(ceil_div(C, blockDim.x))) {
    const int64_t c = tile * blockDim.x + threadIdx.x;
    const A sum =
        column_sum(slabs, [&](int64_t k) { return c < C ? partial[k * 2 * C + c] : A(0); });
    const A product = column_sum(slabs, [&](int64_t k) {
      const int64_t n = uint32_t(k) / uint32_t(per_sample);
      return c < C ? partial[k * 2 * C + C + c] * rstd[n * C + c] : A(0);
    });
    if (c >= C || threadIdx.y != 0) continue;
    dbeta[c] = store<T>(sum);
    dgamma[c] = store<T>(product);
  }
}

// With g = dy gamma: dx = rstd (g - mean of g - (x - mean) rstd^2 (mean of g (x - mean))). A warp
// per sample and group finds those means.
template <class T>
__global__ void group_norm_slopes_kernel(GroupShape s, int64_t per_sample,
                                         const T* __restrict__ gamma,
                                         const acc_t<T>* __restrict__ rstd,
                                         const acc_t<T>* __restrict__ partial,
                                         acc_t<T>* __restrict__ slopes) {
  using A = acc_t<T>;
  const int64_t C = s.channels;
  const GroupCells cells(s, per_sample);
  const A count = A(s.pixels * cells.width);
  for (int64_t i : grid_rows(s.samples * s.groups)) {
    const int64_t n = i / s.groups, c0 = (i - n * s.groups) * cells.width;
    const A* __restrict__ of_slabs = partial + n * per_sample * 2 * C + c0;
    const T* __restrict__ own = gamma + c0;
    const auto sums = warp_sums(cells.count, [&](int64_t j) {
      const A g = load(own[j - cells.slab(j) * cells.width]);
      return SumPair<A>{of_slabs[cells.at(j)] * g, of_slabs[cells.at(j) + C] * g};
    });
    const A r = rstd[n * C + c0];
    for (int64_t c : block_stride(cells.width)) {
      slopes[n * 2 * C + c0 + c] = sums.a / count;
      slopes[n * 2 * C + C + c0 + c] = sums.b / count * r * r;
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void group_norm_forward(M& here, const GroupShape& s, double eps, Span<const T> x,
                        Span<const T> gamma, Span<const T> beta, Span<T> y, Span<acc_t<T>> mean,
                        Span<acc_t<T>> rstd, Span<acc_t<T>> partial) {
  using A = acc_t<T>;
  channel_moments(here, s.rows(), s.channels, s.slabs(), x, partial);
  launch(group_norm_join_kernel<A>, warp_per_row(s.samples * s.groups, s.slabs_per_sample()), here,
         s, s.slabs_per_sample(), eps, Span<const A>(partial), mean, rstd);
  channel_norm_forward<false, T>(here, s.rows(), s.pixels, s.channels, x, gamma, beta,
                                 Span<const A>(mean), Span<const A>(rstd), y);
}

template <class M, class T>
void group_norm_backward(M& here, const GroupShape& s, Span<const T> x, Span<const T> gamma,
                         Span<const acc_t<T>> mean, Span<const acc_t<T>> rstd, Span<const T> dy,
                         Span<T> dx, Span<T> dgamma, Span<T> dbeta, Span<acc_t<T>> partial) {
  using A = acc_t<T>;
  const int64_t cells = s.slabs() * 2 * s.channels;
  const Span<A> sums(partial.data(), cells), slopes(partial.data() + cells, partial.size() - cells);
  channel_sums<false, T>(here, s.rows(), s.pixels, s.channels, s.slabs(), x, mean, Span<const T>(),
                         dy, sums);
  launch(group_norm_join_channels_kernel<T>, column_sum_config(s.channels, s.slabs()), here, s,
         s.slabs_per_sample(), rstd, Span<const A>(sums), dgamma, dbeta);
  if (!dx.size()) return;
  launch(group_norm_slopes_kernel<T>, warp_per_row(s.samples * s.groups, s.slabs_per_sample()),
         here, s, s.slabs_per_sample(), gamma, rstd, Span<const A>(sums), slopes);
  channel_norm_backward<false, true, T>(here, s.rows(), s.pixels, s.channels, x, gamma, mean, rstd,
                                        Span<const T>(), dy, Span<const A>(slopes), dx);
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
