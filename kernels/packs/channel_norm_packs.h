// The kernels of channel_norm.h for a GPU: rows of whole packs, see packs.h. For kernel files of
// `cuda` and `sim`, which include it inside namespace tweed::MACHINE.

#include "kernels/packs/pack_walk.h"

template <class A>
__device__ inline A middle_of(A a, A b, A c) {
  return max(min(a, b), min(max(a, b), c));
}

// A slab's sums are those around a number that is near the others, the middle one of three rows:
// one pass, and exact enough however far from zero the values are, or one row from all others.
template <class T>
__global__ void __launch_bounds__(pack_threads)
    channel_moments_packs_kernel(int64_t rows, int64_t C, int64_t slabs, const T* __restrict__ x,
                                 acc_t<T>* __restrict__ partial) {
  using A = acc_t<T>;
  constexpr int size = Pack<T>::size;
  struct About {
    A v[size];
  };
  for (int64_t slab : grid_blocks(slabs)) {
    const int64_t first = rows * slab / slabs, last = rows * (slab + 1) / slabs;
    const A share = A(1) / A(int(last - first));
    const T* const a = x + first * C;
    const T* const b = x + (first + last) / 2 * C;
    const T* const c = x + (last - 1) * C;
    A* const mean = partial + slab * 2 * C;
    A* const squares = mean + C;
    sum_packs<2, T>(
        first, last, C,
        [&](int64_t i) {
          const Pack<T> of_a = pack_at(a + i), of_b = pack_at(b + i), of_c = pack_at(c + i);
          About about;
#pragma unroll
          for (int k = 0; k < size; ++k) about.v[k] = middle_of(of_a[k], of_b[k], of_c[k]);
          return about;
        },
        [&](int64_t at) { return Pack<T>(pack_at(x + at)); },
        [](const About& about, const Pack<T>& in, int64_t, auto& sums) {
#pragma unroll
          for (int k = 0; k < size; ++k) {
            const A d = in[k] - about.v[k];
            sums[0][k] += d;
            sums[1][k] += d * d;
          }
        },
        [&](int64_t i, const auto& totals) {
          const A off = totals[0] * share;
          mean[i] = middle_of(load(a[i]), load(b[i]), load(c[i])) + off;
          squares[i] = totals[1] - totals[0] * off;
        });
  }
}

template <bool relu, class T>
__global__ void __launch_bounds__(pack_threads)
    channel_norm_forward_packs_kernel(int64_t rows, int64_t pixels, int64_t C, int64_t slabs,
                                      const T* __restrict__ x, const T* __restrict__ gamma,
                                      const T* __restrict__ beta, const acc_t<T>* __restrict__ mean,
                                      const acc_t<T>* __restrict__ rstd, T* __restrict__ y) {
  using A = acc_t<T>;
  constexpr int size = Pack<T>::size;
  for (int64_t slab : grid_blocks(slabs)) {
    const int64_t first = rows * slab / slabs, last = rows * (slab + 1) / slabs;
    const int64_t sample = first / pixels * C;
    walk_packs<T>(first, last, C, [&](const PackTile<T>&, int64_t c, auto walk) {
      const OwnNumbers<size, A> m(mean + sample + c), r(rstd + sample + c);
      const Pack<T> g = pack_at(gamma + c), b = pack_at(beta + c);
      A scale[size], shift[size];
#pragma unroll
      for (int k = 0; k < size; ++k) scale[k] = r[k] * g[k], shift[k] = b[k];
      walk([&](int64_t at) { return Pack<T>(pack_at(x + at)); },
           [&](const Pack<T>& in, int64_t at) {
             A v[size];
#pragma unroll
             for (int k = 0; k < size; ++k) {
               v[k] = (in[k] - m[k]) * scale[k] + shift[k];
               v[k] = relu && v[k] <= 0 ? A(0) : v[k];
             }
             pack_at(y + at) = Pack<T>::of(v);
           });
    });
  }
}

// The 2 in launch bounds: blocks at once on a multiprocessor, for which ptxas shares out registers;
// left to itself it takes so few that some spill.

// What the backward passes read of a pack.
template <bool relu, class T>
struct NormGradient {
  Pack<T> x, y, dy;

  __device__ NormGradient(const T* x_at, const T* y_at, const T* dy_at)
      : x(pack_at(x_at)), dy(pack_at(dy_at)) {
    if constexpr (relu) y = pack_at(y_at);
  }
  __device__ acc_t<T> dz(int k) const {
    if constexpr (relu) return y[k] <= 0 ? acc_t<T>(0) : dy[k];
    return dy[k];
  }
};

template <bool relu, class T>
__global__ void __launch_bounds__(pack_threads, 2)
    channel_sums_packs_kernel(int64_t rows, int64_t pixels, int64_t C, int64_t slabs,
                              const T* __restrict__ x, const acc_t<T>* __restrict__ mean,
                              const T* __restrict__ y, const T* __restrict__ dy,
                              acc_t<T>* __restrict__ partial) {
  using A = acc_t<T>;
  using In = NormGradient<relu, T>;
  constexpr int size = Pack<T>::size;
  for (int64_t slab : grid_blocks(slabs)) {
    const int64_t first = rows * slab / slabs, last = rows * (slab + 1) / slabs;
    const A* const centre = mean + first / pixels * C;
    sum_packs<2, T>(
        first, last, C, [&](int64_t c) { return OwnNumbers<size, A>(centre + c); },
        [&](int64_t at) { return In(x + at, y + at, dy + at); },
        [](const OwnNumbers<size, A>& about, const In& in, int64_t, auto& sums) {
#pragma unroll
          for (int k = 0; k < size; ++k) {
            const A dz = in.dz(k);
            sums[0][k] += dz;
            sums[1][k] += dz * (in.x[k] - about[k]);
          }
        },
        [&](int64_t c, const auto& totals) {
          partial[slab * 2 * C + c] = totals[0];
          partial[slab * 2 * C + C + c] = totals[1];
        });
  }
}

template <bool relu, bool training, class T>
__global__ void __launch_bounds__(pack_threads, 2)
    channel_norm_backward_packs_kernel(int64_t rows, int64_t pixels, int64_t C, int64_t slabs,
                                       const T* __restrict__ x, const T* __restrict__ gamma,
                                       const acc_t<T>* __restrict__ mean,
                                       const acc_t<T>* __restrict__ rstd, const T* __restrict__ y,
                                       const T* __restrict__ dy,
                                       const acc_t<T>* __restrict__ slopes, T* __restrict__ dx) {
  using A = acc_t<T>;
  using In = NormGradient<relu, T>;
  constexpr int size = Pack<T>::size;
  for (int64_t slab : grid_blocks(slabs)) {
    const int64_t first = rows * slab / slabs, last = rows * (slab + 1) / slabs;
    const int64_t sample = first / pixels * C;
    walk_packs<T>(first, last, C, [&](const PackTile<T>&, int64_t c, auto walk) {
      const OwnNumbers<size, A> m(mean + sample + c), r(rstd + sample + c),
          a(slopes + 2 * sample + c), b(slopes + 2 * sample + C + c);
      const Pack<T> g = pack_at(gamma + c);
      walk([&](int64_t at) { return In(x + at, y + at, dy + at); },
           [&](const In& in, int64_t at) {
             A v[size];
#pragma unroll
             for (int k = 0; k < size; ++k) {
               v[k] = in.dz(k) * g[k];
               if constexpr (training) v[k] -= a[k] + (in.x[k] - m[k]) * b[k];
               v[k] *= r[k];
             }
             pack_at(dx + at) = Pack<T>::of(v);
           });
    });
  }
}
