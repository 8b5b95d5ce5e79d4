#include "kernels/channel_sums.h"
#include "kernels/layer_norm.h"
#include "kernels/math.h"

namespace tweed {
namespace MACHINE {

// A warp takes a row, which its first sum brings into the cache. The mean is found about another
// that is nearly right, so that little is lost where it is far from zero.
template <class T>
__global__ void layer_norm_forward_kernel(int64_t rows, int64_t C, acc_t<T> eps,
                                          const T* __restrict__ x, const T* __restrict__ gamma,
                                          const T* __restrict__ beta, T* __restrict__ y,
                                          acc_t<T>* __restrict__ mean,
                                          acc_t<T>* __restrict__ rstd) {
  using A = acc_t<T>;
  const A n = A(C);
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ in = x + row * C;
    T* __restrict__ out = y + row * C;
    const A about = warp_sum(C, [&](int64_t c) { return load(in[c]); }) / n;
    const A m = about + warp_sum(C, [&](int64_t c) { return load(in[c]) - about; }) / n;
    const A squares = warp_sum(C, [&](int64_t c) { return (load(in[c]) - m) * (load(in[c]) - m); });
    const A r = 1 / sqrt(squares / n + eps);
    for (int64_t c : block_stride(C))
      out[c] = store<T>((load(in[c]) - m) * r * load(gamma[c]) + load(beta[c]));
    if (threadIdx.x == 0) {
      mean[row] = m;
      rstd[row] = r;
    }
  }
}

// dx = rstd (g - mean of g - (x - mean) rstd^2 (mean of g (x - mean))),   g = dy gamma
template <class T>
__device__ inline void layer_norm_row_backward(int64_t C, const T* __restrict__ x,
                                               const T* __restrict__ gamma, acc_t<T> mean,
                                               acc_t<T> rstd, const T* __restrict__ dy,
                                               T* __restrict__ dx) {
  using A = acc_t<T>;
  const A a = warp_sum(C, [&](int64_t c) { return load(dy[c]) * load(gamma[c]); }) / A(C);
  const A product =
      warp_sum(C, [&](int64_t c) { return load(dy[c]) * load(gamma[c]) * (load(x[c]) - mean); });
  const A b = product / A(C) * rstd * rstd;
  for (int64_t c : block_stride(C))
    dx[c] = store<T>(rstd * (load(dy[c]) * load(gamma[c]) - a - (load(x[c]) - mean) * b));
}

// A block takes a slab of rows: first dx row by row, then, while x and dy are in the cache, the
// slab's sums of dy and of dy (x - mean) rstd.
template <class T>
__global__ void layer_norm_backward_kernel(int64_t rows, int64_t C, int64_t slabs,
                                           const T* __restrict__ x, const T* __restrict__ gamma,
                                           const acc_t<T>* __restrict__ mean,
                                           const acc_t<T>* __restrict__ rstd,
                                           const T* __restrict__ dy, T* __restrict__ dx,
                                           acc_t<T>* __restrict__ partial) {
  using A = acc_t<T>;
  A* const cells = dynamic_shared<A>();
  A* const more_cells = cells + blockDim.y * norm_tile;
  A* __restrict__ shift = cells + threadIdx.y * norm_tile;
  A* __restrict__ scale = more_cells + threadIdx.y * norm_tile;
  for (int64_t slab : grid_blocks(slabs)) {
    const int64_t first = rows * slab / slabs, last = rows * (slab + 1) / slabs;
    if (dx)
      for (int64_t row = first + threadIdx.y; row < last; row += blockDim.y)
        layer_norm_row_backward(C, x + row * C, gamma, mean[row], rstd[row], dy + row * C,
                                dx + row * C);
    for (int64_t c0 = 0; c0 < C; c0 += norm_tile) {
      const int64_t width = min(norm_tile, C - c0);
      for (int64_t c : block_stride(width)) shift[c] = scale[c] = 0;
      for (int64_t row = first + threadIdx.y; row < last; row += blockDim.y) {
        const T* __restrict__ x_row = x + row * C + c0;
        const T* __restrict__ dy_row = dy + row * C + c0;
        const A m = mean[row], r = rstd[row];
        for (int64_t c : block_stride(width)) {
          const A g = load(dy_row[c]);
          shift[c] += g;
          scale[c] += g * ((load(x_row[c]) - m) * r);
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

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void layer_norm_forward(M& here, double eps, Span<const T> x, Span<const T> gamma,
                        Span<const T> beta, Span<T> y, Span<acc_t<T>> mean, Span<acc_t<T>> rstd) {
  const int64_t rows = mean.size();
  launch(layer_norm_forward_kernel<T>,
         {.grid = ceil_div(rows, norm_block.y), .block = norm_block, .work = x.size()}, here, rows,
         gamma.size(), acc_t<T>(eps), x, gamma, beta, y, mean, rstd);
}

template <class M, class T>
void layer_norm_backward(M& here, Span<const T> x, Span<const T> gamma, Span<const acc_t<T>> mean,
                         Span<const acc_t<T>> rstd, Span<const T> dy, Span<T> dx, Span<T> dgamma,
                         Span<T> dbeta, Span<acc_t<T>> partial) {
  using A = acc_t<T>;
  const int64_t rows = mean.size(), C = gamma.size(), slabs = layer_norm_slabs(rows, C);
  launch(layer_norm_backward_kernel<T>,
         {.grid = slabs,
          .block = norm_block,
          .shared = 2 * norm_block.y * norm_tile * sizeof(A),
          .work = x.size()},
         here, rows, C, slabs, x, gamma, mean, rstd, dy, dx, partial);
  launch(sum_of_slabs_kernel<T>, {.grid = ceil_div(C, 64), .block = {64}, .work = slabs * C}, here,
         slabs, C, Span<const A>(partial), dgamma, dbeta);
}

#define INSTANTIATE(T)                                                                         \
  template void layer_norm_forward(Here&, double, Span<const T>, Span<const T>, Span<const T>, \
                                   Span<T>, Span<acc_t<T>>, Span<acc_t<T>>);                   \
  template void layer_norm_backward(Here&, Span<const T>, Span<const T>, Span<const acc_t<T>>, \
                                    Span<const acc_t<T>>, Span<const T>, Span<T>, Span<T>,     \
                                    Span<T>, Span<acc_t<T>>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
