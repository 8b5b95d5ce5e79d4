#include "kernels/bias.h"
#include "kernels/machine/kernel.h"
#include "kernels/packs.h"

namespace tweed {
namespace MACHINE {

#ifndef TWEED_CPU
#include "kernels/pack_walk.h"

template <bool relu, class T>
__global__ void __launch_bounds__(pack_threads)
    bias_forward_packs_kernel(int64_t rows, int64_t C, int64_t slabs, const T* __restrict__ bias,
                              T* __restrict__ y) {
  using A = acc_t<T>;
  for (int64_t slab : grid_blocks(slabs)) {
    const int64_t first = rows * slab / slabs, last = rows * (slab + 1) / slabs;
    walk_packs<T>(first, last, C, [&](const PackTile<T>&, int64_t c, auto walk) {
      A shift[Pack<T>::size] = {};
      if (bias) {
        const Pack<T> own = pack_at(bias + c);
#pragma unroll
        for (int k = 0; k < Pack<T>::size; ++k) shift[k] = own[k];
      }
      walk([&](int64_t at) { return Pack<T>(pack_at(y + at)); },
           [&](const Pack<T>& in, int64_t at) {
             A v[Pack<T>::size];
#pragma unroll
             for (int k = 0; k < Pack<T>::size; ++k) {
               v[k] = in[k] + shift[k];
               v[k] = relu && v[k] <= 0 ? A(0) : v[k];
             }
             pack_at(y + at) = Pack<T>::of(v);
           });
    });
  }
}

template <bool relu, class T>
__global__ void __launch_bounds__(pack_threads)
    bias_backward_packs_kernel(int64_t rows, int64_t C, int64_t slabs, const T* __restrict__ dy,
                               const T* __restrict__ y, T* __restrict__ dz,
                               acc_t<T>* __restrict__ partial) {
  using A = acc_t<T>;
  struct In {
    Pack<T> dy, y;
  };
  for (int64_t slab : grid_blocks(slabs)) {
    const int64_t first = rows * slab / slabs, last = rows * (slab + 1) / slabs;
    sum_packs<1, T>(
        first, last, C, [](int64_t) { return 0; },
        [&](int64_t at) {
          In in;
          in.dy = pack_at(dy + at);
          if constexpr (relu) in.y = pack_at(y + at);
          return in;
        },
        [&](int, const In& in, int64_t at, auto& sums) {
          Pack<T> out;
#pragma unroll
          for (int k = 0; k < Pack<T>::size; ++k) {
            out.v[k] = in.dy.v[k];
            if constexpr (relu) out.v[k] = in.y[k] <= 0 ? store<T>(A(0)) : out.v[k];
            sums[0][k] += out[k];
          }
          if constexpr (relu) pack_at(dz + at) = out;
        },
        [&](int64_t c, const auto& totals) {
          if (partial) partial[slab * C + c] = totals[0];
        });
  }
}
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
template <bool relu, class T>
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
          A v = load(dy_row[c]);
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
    const int64_t c = tile * blockDim.x + threadIdx.x;
    const acc_t<T> total =
        column_sum(slabs, [&](int64_t slab) { return c < C ? partial[slab * C + c] : 0; });
    if (c < C && threadIdx.y == 0) dbias[c] = store<T>(total);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void bias_forward(M& here, Activation activation, int64_t rows, Span<const T> bias, Span<T> y) {
  if (rows == 0) return;
  bool relu = activation == Activation::relu;
#ifndef TWEED_CPU
  const int64_t C = y.size() / rows;
  if (in_packs<T>(C, bias.data(), y.data()))
    return launch(relu ? bias_forward_packs_kernel<true, T> : bias_forward_packs_kernel<false, T>,
                  pack_config(ceil_div(rows, pack_rows<T>(C, 8))), here, rows, C,
                  ceil_div(rows, pack_rows<T>(C, 8)), bias, y);
#endif
  launch(relu ? bias_forward_kernel<true, T> : bias_forward_kernel<false, T>,
         {.grid = ceil_div(rows, 8), .block = {32, 8}, .work = y.size()}, here, rows,
         y.size() / rows, bias, y);
}

template <class T>
static void sum_bias(Here& here, bool relu, int64_t rows, int64_t C, int64_t slabs,
                     Span<const T> dy, Span<const T> y, Span<T> dz, Span<acc_t<T>> partial) {
#ifndef TWEED_CPU
  if (in_packs<T>(C, dy.data(), y.data(), dz.data()))
    return launch(relu ? bias_backward_packs_kernel<true, T> : bias_backward_packs_kernel<false, T>,
                  pack_config(slabs), here, rows, C, slabs, dy, y, dz, partial);
#endif
  const Dim block = {32, 8};
  launch(relu ? bias_backward_kernel<true, T> : bias_backward_kernel<false, T>,
         {.grid = slabs,
          .block = block,
          .shared = block.y * bias_tile * sizeof(acc_t<T>),
          .work = dy.size()},
         here, rows, C, slabs, dy, y, dz, partial);
}

template <class M, class T>
void bias_backward(M& here, Activation activation, int64_t rows, Span<const T> dy, Span<const T> y,
                   Span<T> dz, Span<T> dbias, Span<acc_t<T>> partial) {
  bool relu = activation == Activation::relu;
  int64_t C = dbias.size() ? dbias.size() : rows ? dy.size() / rows : 0;
  const int64_t slabs = bias_slabs(rows, C);
  sum_bias(here, relu, rows, C, slabs, dy, y, dz, partial);
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
