#include "kernels/machine/kernel.h"
#include "kernels/top.h"

namespace tweed {
namespace MACHINE {

template <class A>
struct Found {
  A value;
  int64_t place;
};

// NaN counts as the largest, and as equal to itself.
template <class A>
__device__ inline bool alike(A a, A b) {
  return (a == b) | ((a != a) & (b != b));
}

// The warp finds the largest of value(0) ... value(n-1), the first of equals. Inlined, with what
// lambdas capture by value, so that the loops on `cpu` see plain pointers.
template <class A, class F>
__device__ __forceinline__ Found<A> largest(int64_t n, F value) {
  const A best = warp_max(n, value);
  return {best, warp_first(n, [=](int64_t c) { return alike(value(c), best); })};
}

// The one that comes after `last` in order: a later equal, or the largest of all smaller ones.
template <class A, class F>
__device__ __forceinline__ Found<A> next_largest(const Found<A>& last, int64_t n, F value) {
  const int64_t from = last.place + 1;
  const int64_t equal =
      from + warp_first(n - from, [=](int64_t c) { return alike(value(from + c), last.value); });
  if (equal < n) return {last.value, equal};
  const bool after_nan = last.value != last.value;
  auto smaller = [=](A v) { return (v < last.value) | (after_nan & (v == v)); };
  const A best = warp_max(n, [=](int64_t c) {
    const A v = value(c);
    return smaller(v) ? v : -A(INFINITY);
  });
  return {best, warp_first(n, [=](int64_t c) { return value(c) == best; })};
}

template <class T>
__global__ void top_k_forward_kernel(int64_t rows, int64_t columns, int64_t k,
                                     const T* __restrict__ x, T* __restrict__ values,
                                     int32_t* __restrict__ places) {
  using A = acc_t<T>;
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ in = x + row * columns;
    auto value = [=](int64_t c) { return load(in[c]); };
    Found<A> found = largest<A>(columns, value);
    for (int64_t j = 0; j < k; ++j) {
      if (j > 0) found = next_largest(found, columns, value);
      if (threadIdx.x == 0) {
        values[row * k + j] = in[found.place];
        places[row * k + j] = int32_t(found.place);
      }
    }
  }
}

template <class T>
__global__ void top_k_backward_kernel(int64_t rows, int64_t columns, int64_t k,
                                      const int32_t* __restrict__ places, const T* __restrict__ dy,
                                      T* __restrict__ dx) {
  for (int64_t row : grid_rows(rows)) {
    T* __restrict__ out = dx + row * columns;
    for (int64_t c : block_stride(columns)) out[c] = store<T>(0);
    __syncwarp();
    for (int64_t j : block_stride(k)) out[places[row * k + j]] = dy[row * k + j];
  }
}

template <class T>
__global__ void arg_extreme_rows_kernel(int64_t rows, int64_t columns, acc_t<T> sign,
                                        const T* __restrict__ x, int32_t* __restrict__ place) {
  using A = acc_t<T>;
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ in = x + row * columns;
    const auto found = largest<A>(columns, [=](int64_t c) { return sign * load(in[c]); });
    if (threadIdx.x == 0) place[row] = int32_t(found.place);
  }
}

// A thread keeps the best value of each of its columns in its own cell of shared memory.
constexpr int64_t arg_tile = 512;
template <class T>
__global__ void arg_extreme_columns_kernel(int64_t outer, int64_t reduce, int64_t inner,
                                           acc_t<T> sign, const T* __restrict__ x,
                                           int32_t* __restrict__ place) {
  using A = acc_t<T>;
  A* __restrict__ best = dynamic_shared<A>();
  const int64_t tiles = ceil_div(inner, arg_tile);
  for (int64_t i : grid_blocks(outer * tiles)) {
    const int64_t o = i / tiles, c0 = (i - o * tiles) * arg_tile;
    const int64_t width = min(arg_tile, inner - c0);
    const T* __restrict__ in = x + o * reduce * inner + c0;
    int32_t* __restrict__ out = place + o * inner + c0;
    for (int64_t c : block_stride(width)) {
      best[c] = sign * load(in[c]);
      out[c] = 0;
    }
    for (int64_t r = 1; r < reduce; ++r) {
      const T* __restrict__ row = in + r * inner;
      const int32_t here = int32_t(r);
      for (int64_t c : block_stride(width)) {
        const A v = sign * load(row[c]), b = best[c];
        const int32_t before = out[c];
        const bool better = (v > b) | ((v != v) & (b == b));
        best[c] = better ? v : b;
        out[c] = better ? here : before;
      }
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void top_k_forward(M& here, int64_t rows, int64_t k, Span<const T> x, Span<T> values,
                   Span<int32_t> places) {
  if (!rows) return;
  const int64_t columns = x.size() / rows;
  launch(top_k_forward_kernel<T>, warp_per_row(rows, columns), here, rows, columns, k, x, values,
         places);
}
template <class M, class T>
void top_k_backward(M& here, int64_t rows, int64_t k, Span<const int32_t> places, Span<const T> dy,
                    Span<T> dx) {
  if (!rows) return;
  const int64_t columns = dx.size() / rows;
  launch(top_k_backward_kernel<T>, warp_per_row(rows, columns), here, rows, columns, k, places, dy,
         dx);
}

template <class M, class T>
void arg_extreme(M& here, bool largest, int64_t outer, int64_t inner, Span<const T> x,
                 Span<int32_t> place) {
  if (!place.size()) return;
  const int64_t reduce = x.size() / place.size();
  const acc_t<T> sign = largest ? 1 : -1;
  if (inner == 1)
    launch(arg_extreme_rows_kernel<T>, warp_per_row(outer, reduce), here, outer, reduce, sign, x,
           place);
  else
    launch(arg_extreme_columns_kernel<T>,
           {.grid = outer * ceil_div(inner, arg_tile),
            .shared = arg_tile * sizeof(acc_t<T>),
            .work = x.size()},
           here, outer, reduce, inner, sign, x, place);
}

#define INSTANTIATE(T)                                                                         \
  template void top_k_forward(Here&, int64_t, int64_t, Span<const T>, Span<T>, Span<int32_t>); \
  template void top_k_backward(Here&, int64_t, int64_t, Span<const int32_t>, Span<const T>,    \
                               Span<T>);                                                       \
  template void arg_extreme(Here&, bool, int64_t, int64_t, Span<const T>, Span<int32_t>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
