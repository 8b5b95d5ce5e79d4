// The kernels of bias.cu for a GPU: rows of whole packs, see packs.h. For bias.cu, inside namespace
// tweed::MACHINE.

#include "kernels/packs/pack_walk.h"

template <bool relu, class T>
__global__ void __launch_bounds__(pack_threads, 3)
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
__global__ void __launch_bounds__(pack_threads, 3)
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

// The launches; false where rows are no whole packs.
template <class T>
static bool bias_forward_packs(Here& here, bool relu, int64_t rows, Span<const T> bias, Span<T> y) {
  const int64_t C = y.size() / rows;
  if (!in_packs<T>(C, bias.data(), y.data())) return false;
  const int64_t slabs = ceil_div(rows, pack_rows<T>(C, 8));
  launch(relu ? bias_forward_packs_kernel<true, T> : bias_forward_packs_kernel<false, T>,
         pack_config(slabs), here, rows, C, slabs, bias, y);
  return true;
}
template <class T>
static bool bias_backward_packs(Here& here, bool relu, int64_t rows, int64_t C, int64_t slabs,
                                Span<const T> dy, Span<const T> y, Span<T> dz,
                                Span<acc_t<T>> partial) {
  if (!in_packs<T>(C, dy.data(), y.data(), dz.data())) return false;
  launch(relu ? bias_backward_packs_kernel<true, T> : bias_backward_packs_kernel<false, T>,
         pack_config(slabs), here, rows, C, slabs, dy, y, dz, partial);
  return true;
}
