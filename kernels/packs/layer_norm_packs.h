// Layer norm for a GPU: a row of whole packs stays in the registers of a few threads, see packs.h.
// For layer_norm.cu, inside namespace tweed::MACHINE.

#include "kernels/packs/pack_walk.h"
#include "kernels/packs/row_lanes.h"

template <int lanes, class T>
__global__ void __launch_bounds__(pack_threads, 3)
    layer_norm_forward_packs_kernel(int64_t rows, int64_t C, acc_t<T> eps, const T* __restrict__ x,
                                    const T* __restrict__ gamma, const T* __restrict__ beta,
                                    T* __restrict__ y, acc_t<T>* __restrict__ mean,
                                    acc_t<T>* __restrict__ rstd) {
  using A = acc_t<T>;
  using Lanes = RowLanes<lanes, T>;
  constexpr int size = Pack<T>::size;
  const int packs = int(C / size);
  const A share = 1 / A(C);
  Lanes::for_each_row(rows, [&](int64_t row, bool inside) {
    Pack<T> in[Lanes::most];
    A sum = 0, off = 0, squares = 0;
    Lanes::for_each_pack(packs, [&](int k, int c) { in[k] = pack_at(x + row * C + c); });
    Lanes::for_each_pack(packs, [&](int k, int) {
#pragma unroll
      for (int i = 0; i < size; ++i) sum += in[k][i];
    });
    const A about = lanes_sum<lanes>(sum) * share;
    // The second pass also finds how far `about` is off by rounding, as batch_norm.cu does.
    Lanes::for_each_pack(packs, [&](int k, int) {
#pragma unroll
      for (int i = 0; i < size; ++i) {
        const A d = in[k][i] - about;
        off += d;
        squares += d * d;
      }
    });
    off = lanes_sum<lanes>(off) * share;
    const A var = lanes_sum<lanes>(squares) * share - off * off;
    const A m = about + off, r = 1 / sqrt((var < 0 ? A(0) : var) + eps);
    if (!inside) return;
    Lanes::for_each_pack(packs, [&](int k, int c) {
      const Pack<T> g = pack_at(gamma + c), b = pack_at(beta + c);
      A v[size];
#pragma unroll
      for (int i = 0; i < size; ++i) v[i] = (in[k][i] - m) * r * g[i] + b[i];
      pack_at(y + row * C + c) = Pack<T>::of(v);
    });
    if (int(threadIdx.x) % lanes == 0) mean[row] = m, rstd[row] = r;
  });
}

// As layer_norm_row_backward.
template <int lanes, class T>
__global__ void __launch_bounds__(pack_threads, 3)
    layer_norm_rows_backward_packs_kernel(int64_t rows, int64_t C, bool adds,
                                          const T* __restrict__ x, const T* __restrict__ gamma,
                                          const acc_t<T>* __restrict__ mean,
                                          const acc_t<T>* __restrict__ rstd,
                                          const T* __restrict__ dy, T* __restrict__ dx) {
  using A = acc_t<T>;
  using Lanes = RowLanes<lanes, T>;
  constexpr int size = Pack<T>::size;
  const int packs = int(C / size);
  const A share = 1 / A(C);
  Lanes::for_each_row(rows, [&](int64_t row, bool inside) {
    Pack<T> in[Lanes::most], gradient[Lanes::most];
    A sum = 0, product = 0;
    Lanes::for_each_pack(packs, [&](int k, int c) {
      in[k] = pack_at(x + row * C + c);
      gradient[k] = pack_at(dy + row * C + c);
    });
    const A m = mean[row], r = rstd[row];
    Lanes::for_each_pack(packs, [&](int k, int c) {
      const Pack<T> scale = pack_at(gamma + c);
#pragma unroll
      for (int i = 0; i < size; ++i) {
        const A g = gradient[k][i] * scale[i];
        sum += g;
        product += g * ((in[k][i] - m) * r);
      }
    });
    const A mean_g = lanes_sum<lanes>(sum) * share, slope = lanes_sum<lanes>(product) * share;
    if (!inside) return;
    Lanes::for_each_pack(packs, [&](int k, int c) {
      const Pack<T> scale = pack_at(gamma + c);
      A v[size];
#pragma unroll
      for (int i = 0; i < size; ++i)
        v[i] = (gradient[k][i] * scale[i] - mean_g - (in[k][i] - m) * r * slope) * r;
      if (adds) {
        const Pack<T> begun = pack_at(dx + row * C + c);
#pragma unroll
        for (int i = 0; i < size; ++i) v[i] += begun[i];
      }
      pack_at(dx + row * C + c) = Pack<T>::of(v);
    });
  });
}

template <class T>
__global__ void __launch_bounds__(pack_threads)
    layer_norm_sums_packs_kernel(int64_t rows, int64_t C, int64_t slabs, Quotient channels,
                                 const T* __restrict__ x, const acc_t<T>* __restrict__ mean,
                                 const acc_t<T>* __restrict__ rstd, const T* __restrict__ dy,
                                 acc_t<T>* __restrict__ partial) {
  using A = acc_t<T>;
  struct In {
    Pack<T> x, dy;
    A mean, rstd;
  };
  for (int64_t slab : grid_blocks(slabs)) {
    const int64_t first = rows * slab / slabs, last = rows * (slab + 1) / slabs;
    sum_packs<2, T>(
        first, last, C, [](int64_t) { return 0; },
        [&](int64_t at) {
          const int64_t row = first + channels.of(int(at - first * C));
          return In{pack_at(x + at), pack_at(dy + at), mean[row], rstd[row]};
        },
        [](int, const In& in, int64_t, auto& sums) {
#pragma unroll
          for (int k = 0; k < Pack<T>::size; ++k) {
            sums[0][k] += in.dy[k] * ((in.x[k] - in.mean) * in.rstd);
            sums[1][k] += in.dy[k];
          }
        },
        [&](int64_t c, const auto& totals) {
          partial[slab * 2 * C + c] = totals[0];
          partial[slab * 2 * C + C + c] = totals[1];
        });
  }
}

// The launches; false where rows are no whole packs, or too long for registers.
template <class T>
static bool layer_norm_forward_packs(Here& here, int64_t rows, acc_t<T> eps, Span<const T> x,
                                     Span<const T> gamma, Span<const T> beta, Span<T> y,
                                     Span<acc_t<T>> mean, Span<acc_t<T>> rstd) {
  const int64_t C = gamma.size();
  return in_packs<T>(C, x.data(), gamma.data(), beta.data(), y.data()) &&
         with_row_lanes<T>(C, [&]<int lanes>() {
           launch(layer_norm_forward_packs_kernel<lanes, T>,
                  pack_config(ceil_div(rows, RowLanes<lanes, T>::at_once)), here, rows, C, eps, x,
                  gamma, beta, y, mean, rstd);
         });
}
template <class T>
static bool layer_norm_rows_backward_packs(Here& here, int64_t rows, int64_t C, bool adds,
                                           Span<const T> x, Span<const T> gamma,
                                           Span<const acc_t<T>> mean, Span<const acc_t<T>> rstd,
                                           Span<const T> dy, Span<T> dx) {
  return in_packs<T>(C, x.data(), gamma.data(), dy.data(), dx.data()) &&
         with_row_lanes<T>(C, [&]<int lanes>() {
           launch(layer_norm_rows_backward_packs_kernel<lanes, T>,
                  pack_config(ceil_div(rows, RowLanes<lanes, T>::at_once)), here, rows, C, adds, x,
                  gamma, mean, rstd, dy, dx);
         });
}
