#include "kernels/bias.h"
#include "kernels/machine/kernel.h"
#include "kernels/packs/packs.h"

namespace tweed {
namespace MACHINE {

#ifndef TWEED_CPU
#include "kernels/packs/bias_packs.h"
#endif

template <bool relu, class T>
__global__ void bias_forward_kernel(int64_t rows, int64_t C, const T* __restrict__ bias,
                                    T* __restrict__ y) {
  for (int64_t row : grid_rows(rows)) {
    T* __restrict__ out = y + row * C;
    for (int64_t c : block_stride(C)) {
      acc_t<T> v = load(out[c]) + (bias ? load(bias[c]) : acc_t<T>(0));
      out[c] = store<T>(relu && v <= 0 ? acc_t<T>(0) : v);
    }
  }
}

// A block takes a slab of rows and a tile of channels at a time; every thread adds up in its own
// cells of shared memory, and the first row of threads adds those up.
constexpr int64_t bias_tile = 256;
template <bool relu, bool in_place, class T>
__global__ void bias_backward_kernel(int64_t rows, int64_t C, int64_t slabs,
                                     const T* __restrict__ dy, const T* __restrict__ y,
                                     T* __restrict__ dz, acc_t<T>* __restrict__ partial) {
  using A = acc_t<T>;
  A* const cells = dynamic_shared<A>();
  A* __restrict__ sum = cells + threadIdx.y * bias_tile;
  for (int64_t slab : grid_blocks(slabs)) {
    const int64_t first = rows * slab / slabs, last = rows * (slab + 1) / slabs;
    for (int64_t c0 = 0; c0 < C; c0 += bias_tile) {
      const int64_t width = min(bias_tile, C - c0);
      for (int64_t c : block_stride(width)) sum[c] = 0;
      for (int64_t row = first + threadIdx.y; row < last; row += blockDim.y) {
        const T* __restrict__ dy_row = dy + row * C + c0;
        const T* __restrict__ y_row = y + row * C + c0;
        T* __restrict__ dz_row = dz + row * C + c0;
        for (int64_t c : block_stride(width)) {
          A v = load(in_place ? dz_row[c] : dy_row[c]);
          if constexpr (relu) {
            v = load(y_row[c]) <= 0 ? A(0) : v;
            dz_row[c] = store<T>(v);
          }
          sum[c] += v;
        }
      }
      __syncthreads();
      if (partial && threadIdx.y == 0)
        for (int64_t c : block_stride(width)) {
          A total = 0;
          for (int64_t r = 0; r < blockDim.y; ++r) total += cells[r * bias_tile + c];
          partial[slab * C + c0 + c] = total;
        }
      __syncthreads();
    }
  }
}

template <class T>
__global__ void bias_finish_kernel(int64_t slabs, int64_t C, const acc_t<T>* __restrict__ partial,
                                   T* __restrict__ dbias) {
  for (int64_t tile : grid_blocks(ceil_div(C, blockDim.x))) {
    const int64_t at = tile * blockDim.x + threadIdx.x, c = min(at, C - 1);
    const acc_t<T> total = column_sum(slabs, [&](int64_t slab) { return partial[slab * C + c]; });
    if (at < C && threadIdx.y == 0) dbias[c] = store<T>(total);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void bias_forward(M& here, Activation activation, int64_t rows, Span<const T> bias, Span<T> y) {
  if (rows == 0) return;
  bool relu = activation == Activation::relu;
#ifndef TWEED_CPU
  if (bias_forward_packs(here, relu, rows, bias, y)) return;
#endif
  launch(relu ? bias_forward_kernel<true, T> : bias_forward_kernel<false, T>,
         {.grid = ceil_div(rows, 8), .block = {32, 8}, .work = y.size()}, here, rows,
         y.size() / rows, bias, y);
}

template <class M, class T>
void bias_backward(M& here, Activation activation, int64_t rows, Span<const T> dy, Span<const T> y,
                   Span<T> dz, Span<T> dbias, Span<acc_t<T>> partial) {
  const bool relu = activation == Activation::relu, in_place = relu && !dy.size();
  const int64_t size = max(dy.size(), dz.size()), C = rows ? size / rows : dbias.size();
  const int64_t slabs = bias_slabs(rows, C);
  bool done = false;
#ifndef TWEED_CPU
  done = !in_place && bias_backward_packs(here, relu, rows, C, slabs, dy, y, dz, partial);
#endif
  const std::size_t shared = 8 * bias_tile * sizeof(acc_t<T>);
  if (!done)
    launch(in_place ? bias_backward_kernel<true, true, T>
           : relu   ? bias_backward_kernel<true, false, T>
                    : bias_backward_kernel<false, false, T>,
           {.grid = slabs, .block = {32, 8}, .shared = shared, .work = size}, here, rows, C, slabs,
           dy, y, dz, partial);
  if (dbias.size())
    launch(bias_finish_kernel<T>, column_sum_config(C, slabs), here, slabs, C,
           Span<const acc_t<T>>(partial), dbias);
}

#define INSTANTIATE(T)                                                                           \
  template void bias_forward(Here&, Activation, int64_t, Span<const T>, Span<T>);                \
  template void bias_backward(Here&, Activation, int64_t, Span<const T>, Span<const T>, Span<T>, \
                              Span<T>, Span<acc_t<T>>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
