#include "kernels/machine/kernel.h"
#include "kernels/math.h"
#include "kernels/rms_norm.h"

namespace tweed {
namespace MACHINE {

// A row belongs to the threads of a warp: threadIdx.x walks channels, threadIdx.y rows.

#include "kernels/norm_cells.h"

template <class T>
__global__ void rms_norm_forward_kernel(int64_t rows, int64_t C, acc_t<T> eps,
                                        const T* __restrict__ x, const T* __restrict__ gamma,
                                        T* __restrict__ y, acc_t<T>* __restrict__ rstd) {
  using A = acc_t<T>;
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ in = x + row * C;
    T* __restrict__ out = y + row * C;
    const A squares = warp_sum(C, [&](int64_t c) { return load(in[c]) * load(in[c]); });
    const A r = 1 / sqrt(squares / A(C) + eps);
    for (int64_t c : block_stride(C)) out[c] = store<T>(load(in[c]) * r * load(gamma[c]));
    if (threadIdx.x == 0) rstd[row] = r;
  }
}

// With n = x rstd and g = dy gamma: dx = rstd (g - n (mean of g n)).
template <class T>
__global__ void rms_norm_backward_kernel(int64_t rows, int64_t C, bool adds,
                                         const T* __restrict__ x, const T* __restrict__ gamma,
                                         const acc_t<T>* __restrict__ rstd,
                                         const T* __restrict__ dy, T* __restrict__ dx) {
  using A = acc_t<T>;
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ in = x + row * C;
    const T* __restrict__ dy_row = dy + row * C;
    T* __restrict__ out = dx + row * C;
    const A r = rstd[row];
    const A slope =
        warp_sum(C,
                 [&](int64_t c) { return load(dy_row[c]) * load(gamma[c]) * (load(in[c]) * r); }) /
        A(C);
    for (int64_t c : block_stride(C)) {
      const A v = (load(dy_row[c]) * load(gamma[c]) - load(in[c]) * r * slope) * r;
      out[c] = store<T>(adds ? load(out[c]) + v : v);
    }
  }
}

// The sums of dy n over the rows of a slab.
template <class T>
__global__ void rms_norm_sums_kernel(int64_t rows, int64_t C, int64_t slabs,
                                     const T* __restrict__ x, const acc_t<T>* __restrict__ rstd,
                                     const T* __restrict__ dy, acc_t<T>* __restrict__ partial) {
  using A = acc_t<T>;
  A* const cells = dynamic_shared<A>();
  A* __restrict__ sum = cells + threadIdx.y * norm_tile;
  for (int64_t slab : grid_blocks(slabs)) {
    const int64_t first = rows * slab / slabs, last = rows * (slab + 1) / slabs;
    for (int64_t c0 = 0; c0 < C; c0 += norm_tile) {
      const int64_t width = min(norm_tile, C - c0);
      for (int64_t c : block_stride(width)) sum[c] = 0;
      for (int64_t row = first + threadIdx.y; row < last; row += blockDim.y) {
        const T* __restrict__ in = x + row * C + c0;
        const T* __restrict__ dy_row = dy + row * C + c0;
        const A r = rstd[row];
        for (int64_t c : block_stride(width)) sum[c] += load(dy_row[c]) * (load(in[c]) * r);
      }
      __syncthreads();
      if (threadIdx.y == 0)
        for (int64_t c : block_stride(width)) partial[slab * C + c0 + c] = sum_of_cells(cells, c);
      __syncthreads();
    }
  }
}

template <class T>
__global__ void rms_norm_join_kernel(int64_t C, int64_t slabs, const acc_t<T>* __restrict__ partial,
                                     T* __restrict__ dgamma) {
  for (int64_t tile : grid_blocks(ceil_div(C, blockDim.x))) {
    const int64_t at = tile * blockDim.x + threadIdx.x, c = min(at, C - 1);
    const acc_t<T> sum = column_sum(slabs, [&](int64_t slab) { return partial[slab * C + c]; });
    if (at < C && threadIdx.y == 0) dgamma[c] = store<T>(sum);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void rms_norm_forward(M& here, int64_t rows, double eps, Span<const T> x, Span<const T> gamma,
                      Span<T> y, Span<acc_t<T>> rstd) {
  launch(rms_norm_forward_kernel<T>, norm_rows_config(rows), here, rows, gamma.size(),
         acc_t<T>(eps), x, gamma, y, rstd);
}

template <class M, class T>
void rms_norm_backward(M& here, int64_t rows, bool adds, Span<const T> x, Span<const T> gamma,
                       Span<const acc_t<T>> rstd, Span<const T> dy, Span<T> dx, Span<T> dgamma,
                       Span<acc_t<T>> partial) {
  using A = acc_t<T>;
  const int64_t C = gamma.size(), slabs = batch_norm_slabs(rows, C);
  if (dx.size())
    launch(rms_norm_backward_kernel<T>, norm_rows_config(rows), here, rows, C, adds, x, gamma, rstd,
           dy, dx);
  launch(rms_norm_sums_kernel<T>, norm_slabs_config<A>(slabs, norm_block.y), here, rows, C, slabs,
         x, rstd, dy, partial);
  launch(rms_norm_join_kernel<T>, column_sum_config(C, slabs), here, C, slabs,
         Span<const A>(partial), dgamma);
}

#define INSTANTIATE(T)                                                                          \
  template void rms_norm_forward(Here&, int64_t, double, Span<const T>, Span<const T>, Span<T>, \
                                 Span<acc_t<T>>);                                               \
  template void rms_norm_backward(Here&, int64_t, bool, Span<const T>, Span<const T>,           \
                                  Span<const acc_t<T>>, Span<const T>, Span<T>, Span<T>,        \
                                  Span<acc_t<T>>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
