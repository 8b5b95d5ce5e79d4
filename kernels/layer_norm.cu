#include "kernels/layer_norm.h"
#include "kernels/machine/kernel.h"
#include "kernels/math.h"
#include "kernels/packs/packs.h"
#include "kernels/quotient.h"

namespace tweed {
namespace MACHINE {

// A row belongs to the threads of a warp: threadIdx.x walks channels, threadIdx.y rows.

#include "kernels/norm_cells.h"

template <class T>
__global__ void layer_norm_forward_kernel(int64_t rows, int64_t C, acc_t<T> eps,
                                          const T* __restrict__ x, const T* __restrict__ gamma,
                                          const T* __restrict__ beta, T* __restrict__ y,
                                          acc_t<T>* __restrict__ mean,
                                          acc_t<T>* __restrict__ rstd) {
  using A = acc_t<T>;
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ in = x + row * C;
    T* __restrict__ out = y + row * C;
    const A about = warp_sum(C, [&](int64_t c) { return load(in[c]); }) / A(C);
    // The second pass also finds how far `about` is off by rounding, as batch_norm.cu does.
    const auto around = warp_sums(C, [&](int64_t c) {
      const A d = load(in[c]) - about;
      return SumPair<A>{d, d * d};
    });
    const A off = around.a / A(C), var = around.b / A(C) - off * off;
    const A m = about + off, r = 1 / sqrt((var < 0 ? A(0) : var) + eps);
    for (int64_t c : block_stride(C))
      out[c] = store<T>((load(in[c]) - m) * r * load(gamma[c]) + load(beta[c]));
    if (threadIdx.x == 0) mean[row] = m, rstd[row] = r;
  }
}

// With n = (x - mean) rstd and g = dy gamma: dx = rstd (g - mean of g - n (mean of g n)).
template <class T>
__device__ inline void layer_norm_row_backward(int64_t row, int64_t C, bool adds,
                                               const T* __restrict__ x, const T* __restrict__ gamma,
                                               const acc_t<T>* __restrict__ mean,
                                               const acc_t<T>* __restrict__ rstd,
                                               const T* __restrict__ dy, T* __restrict__ dx) {
  using A = acc_t<T>;
  const T* __restrict__ in = x + row * C;
  const T* __restrict__ dy_row = dy + row * C;
  T* __restrict__ out = dx + row * C;
  const A m = mean[row], r = rstd[row];
  const auto sums = warp_sums(C, [&](int64_t c) {
    const A g = load(dy_row[c]) * load(gamma[c]);
    return SumPair<A>{g, g * ((load(in[c]) - m) * r)};
  });
  const A mean_g = sums.a / A(C), slope = sums.b / A(C);
  for (int64_t c : block_stride(C)) {
    const A g = load(dy_row[c]) * load(gamma[c]);
    const A v = (g - mean_g - (load(in[c]) - m) * r * slope) * r;
    out[c] = store<T>(adds ? load(out[c]) + v : v);
  }
}

// The rows of a slab are still in a core's cache when they are added up for dgamma and dbeta.
template <class T>
__global__ void layer_norm_backward_kernel(int64_t rows, int64_t C, int64_t slabs, bool adds,
                                           const T* __restrict__ x, const T* __restrict__ gamma,
                                           const acc_t<T>* __restrict__ mean,
                                           const acc_t<T>* __restrict__ rstd,
                                           const T* __restrict__ dy, T* __restrict__ dx,
                                           acc_t<T>* __restrict__ partial) {
  using A = acc_t<T>;
  A* const cells = dynamic_shared<A>();
  A* const more_cells = cells + blockDim.y * norm_tile;
  A* __restrict__ product = cells + threadIdx.y * norm_tile;
  A* __restrict__ sum = more_cells + threadIdx.y * norm_tile;
  for (int64_t slab : grid_blocks(slabs)) {
    const int64_t first = rows * slab / slabs, last = rows * (slab + 1) / slabs;
    for (int64_t row = first + threadIdx.y; dx && row < last; row += blockDim.y)
      layer_norm_row_backward(row, C, adds, x, gamma, mean, rstd, dy, dx);
    for (int64_t c0 = 0; c0 < C; c0 += norm_tile) {
      const int64_t width = min(norm_tile, C - c0);
      for (int64_t c : block_stride(width)) product[c] = sum[c] = 0;
      for (int64_t row = first + threadIdx.y; row < last; row += blockDim.y) {
        const T* __restrict__ in = x + row * C + c0;
        const T* __restrict__ dy_row = dy + row * C + c0;
        const A m = mean[row], r = rstd[row];
        for (int64_t c : block_stride(width)) {
          product[c] += load(dy_row[c]) * ((load(in[c]) - m) * r);
          sum[c] += load(dy_row[c]);
        }
      }
      __syncthreads();
      if (threadIdx.y == 0)
        for (int64_t c : block_stride(width)) {
          partial[slab * 2 * C + c0 + c] = sum_of_cells(cells, c);
          partial[slab * 2 * C + C + c0 + c] = sum_of_cells(more_cells, c);
        }
      __syncthreads();
    }
  }
}

#ifndef TWEED_CPU
#include "kernels/packs/layer_norm_packs.h"

// For a GPU, rows and sums are two kernels: this one's rows are longer than registers hold.
template <class T>
__global__ void layer_norm_rows_backward_kernel(int64_t rows, int64_t C, bool adds,
                                                const T* __restrict__ x,
                                                const T* __restrict__ gamma,
                                                const acc_t<T>* __restrict__ mean,
                                                const acc_t<T>* __restrict__ rstd,
                                                const T* __restrict__ dy, T* __restrict__ dx) {
  for (int64_t row : grid_rows(rows))
    layer_norm_row_backward(row, C, adds, x, gamma, mean, rstd, dy, dx);
}

#endif

template <class T>
__global__ void layer_norm_join_kernel(int64_t C, int64_t slabs,
                                       const acc_t<T>* __restrict__ partial, T* __restrict__ dgamma,
                                       T* __restrict__ dbeta) {
  for (int64_t tile : grid_blocks(ceil_div(C, blockDim.x))) {
    const int64_t at = tile * blockDim.x + threadIdx.x, c = min(at, C - 1);
    const auto [product, sum] = column_sum(slabs, [&](int64_t slab) {
      const acc_t<T>* const p = partial + slab * 2 * C + c;
      return SumPair<acc_t<T>>{*p, p[C]};
    });
    if (at >= C || threadIdx.y != 0) continue;
    dgamma[c] = store<T>(product);
    dbeta[c] = store<T>(sum);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void layer_norm_forward(M& here, int64_t rows, double eps, Span<const T> x, Span<const T> gamma,
                        Span<const T> beta, Span<T> y, Span<acc_t<T>> mean, Span<acc_t<T>> rstd) {
#ifndef TWEED_CPU
  if (layer_norm_forward_packs(here, rows, acc_t<T>(eps), x, gamma, beta, y, mean, rstd)) return;
#endif
  launch(layer_norm_forward_kernel<T>, norm_rows_config(rows), here, rows, gamma.size(),
         acc_t<T>(eps), x, gamma, beta, y, mean, rstd);
}

template <class T>
static void launch_backward(Here& here, int64_t rows, int64_t C, int64_t slabs, bool adds,
                            Span<const T> x, Span<const T> gamma, Span<const acc_t<T>> mean,
                            Span<const acc_t<T>> rstd, Span<const T> dy, Span<T> dx,
                            Span<acc_t<T>> partial) {
#ifndef TWEED_CPU
  // A slab's elements are numbered in 31 bits: it has about norm_slab_size, or 16 rows.
  if (in_packs<T>(C, x.data(), dy.data()) && C < (1 << 20)) {
    if (dx.size() &&
        !layer_norm_rows_backward_packs(here, rows, C, adds, x, gamma, mean, rstd, dy, dx))
      launch(layer_norm_rows_backward_kernel<T>, norm_rows_config(rows), here, rows, C, adds, x,
             gamma, mean, rstd, dy, dx);
    return launch(layer_norm_sums_packs_kernel<T>, pack_config(slabs), here, rows, C, slabs,
                  Quotient(int(C)), x, mean, rstd, dy, partial);
  }
#endif
  launch(layer_norm_backward_kernel<T>, norm_slabs_config<acc_t<T>>(slabs, 2 * norm_block.y), here,
         rows, C, slabs, adds, x, gamma, mean, rstd, dy, dx, partial);
}

template <class M, class T>
void layer_norm_backward(M& here, int64_t rows, bool adds, Span<const T> x, Span<const T> gamma,
                         Span<const acc_t<T>> mean, Span<const acc_t<T>> rstd, Span<const T> dy,
                         Span<T> dx, Span<T> dgamma, Span<T> dbeta, Span<acc_t<T>> partial) {
  using A = acc_t<T>;
  const int64_t C = gamma.size(), slabs = batch_norm_slabs(rows, C);
  launch_backward(here, rows, C, slabs, adds, x, gamma, mean, rstd, dy, dx, partial);
  launch(layer_norm_join_kernel<T>, column_sum_config(C, slabs), here, C, slabs,
         Span<const A>(partial), dgamma, dbeta);
}

#define INSTANTIATE(T)                                                                         \
  template void layer_norm_forward(Here&, int64_t, double, Span<const T>, Span<const T>,       \
                                   Span<const T>, Span<T>, Span<acc_t<T>>, Span<acc_t<T>>);    \
  template void layer_norm_backward(Here&, int64_t, bool, Span<const T>, Span<const T>,        \
                                    Span<const acc_t<T>>, Span<const acc_t<T>>, Span<const T>, \
                                    Span<T>, Span<T>, Span<T>, Span<acc_t<T>>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
