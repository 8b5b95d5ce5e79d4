#include "kernels/machine/kernel.h"
#include "kernels/packs/packs.h"
#include "kernels/pieces.h"
#include "kernels/quotient.h"
#include "kernels/reduce.h"

namespace tweed {
namespace MACHINE {

// What becomes of an element, and how two such meet. A minimum is the maximum of the opposite
// numbers, and the divisor -1 turns it back.
template <Fold f>
struct Folding {
  static constexpr bool is_extreme = f == Fold::max || f == Fold::min || f == Fold::max_abs;
  template <class A>
  TWEED_INLINE static A of(A v) {
    if constexpr (f == Fold::max_abs) return v < 0 ? -v : v;
    return f == Fold::sum_of_squares ? v * v : f == Fold::min ? -v : v;
  }
  template <class A>
  TWEED_INLINE static A start() {
    return is_extreme ? -A(INFINITY) : A(0);
  }
  template <class A>
  TWEED_INLINE static A both(A a, A b) {
    return is_extreme ? ((b > a) | (b != b) ? b : a) : a + b;
  }
};

// inner is 1: a warp folds up a contiguous slab.
template <Fold f, class In, class Out>
__global__ void fold_rows_kernel(int64_t outer, int64_t slabs, int64_t reduce, acc_t<In> divisor,
                                 const In* __restrict__ x, Out* __restrict__ y) {
  for (int64_t i : grid_rows(outer * slabs)) {
    const int64_t row = i / slabs, slab = i - row * slabs, length = ceil_div(reduce, slabs);
    const int64_t first = min(slab * length, reduce), last = min(first + length, reduce);
    const In* __restrict__ part = x + row * reduce + first;
    auto element = [&](int64_t c) { return Folding<f>::of(load(part[c])); };
    acc_t<In> total;
    if constexpr (Folding<f>::is_extreme)
      total = warp_max(last - first, element);
    else
      total = warp_sum(last - first, element);
    if (threadIdx.x == 0) y[i] = store<Out>(total / divisor);
  }
}

// threadIdx.x walks the inner axis, threadIdx.y the folded one; every thread has its own cells of
// shared memory, and the first row of threads brings those together.
constexpr int64_t fold_tile = 256;
template <Fold f, class In, class Out>
__global__ void fold_columns_kernel(Reduction shape, int64_t slabs, acc_t<In> divisor,
                                    const In* __restrict__ x, Out* __restrict__ y) {
  using A = acc_t<In>;
  using F = Folding<f>;
  A* const cells = dynamic_shared<A>();
  A* __restrict__ mine = cells + threadIdx.y * fold_tile;
  const int64_t inner = shape.inner, tiles = ceil_div(inner, fold_tile);
  const int64_t length = ceil_div(shape.reduce, slabs);
  for (int64_t i : grid_blocks(shape.outer * slabs * tiles)) {
    const int64_t part = i / tiles, row = part / slabs, slab = part - row * slabs;
    const int64_t c0 = (i - part * tiles) * fold_tile, width = min(fold_tile, inner - c0);
    const int64_t first = slab * length, last = min(first + length, shape.reduce);
    for (int64_t c : block_stride(width)) mine[c] = F::template start<A>();
    for (int64_t r = first + threadIdx.y; r < last; r += blockDim.y) {
      const In* __restrict__ in = x + (row * shape.reduce + r) * inner + c0;
      for (int64_t c : block_stride(width)) mine[c] = F::both(mine[c], F::of(load(in[c])));
    }
    __syncthreads();
    if (threadIdx.y == 0)
      for (int64_t c : block_stride(width)) {
        A total = F::template start<A>();
        for (int64_t t = 0; t < int64_t(blockDim.y); ++t)
          total = F::both(total, cells[t * fold_tile + c]);
        y[part * inner + c0 + c] = store<Out>(total / divisor);
      }
    __syncthreads();
  }
}

#ifndef TWEED_CPU
#include "kernels/packs/pack_walk.h"

// Sums in packs; extremes go the other way. A GPU takes dozens of instructions for a division, so
// `length`, the rows of a slab, and the divisor of blocks come from the host.
template <Fold f, class In, class Out>
__global__ void __launch_bounds__(pack_threads)
    fold_packs_kernel(Reduction shape, int slabs, Quotient of_slabs, int64_t length,
                      acc_t<In> divisor, const In* __restrict__ x, Out* __restrict__ y) {
  const int64_t C = shape.inner;
  for (int64_t i : grid_blocks(shape.outer * slabs)) {
    const int row = of_slabs.of(int(i)), slab = int(i) - row * slabs;
    const int64_t first = min(slab * length, shape.reduce), base = row * shape.reduce;
    sum_packs<1, In>(
        base + first, base + min(first + length, shape.reduce), C, [](int64_t) { return 0; },
        [&](int64_t at) { return Pack<In>(pack_at(x + at)); },
        [](int, const Pack<In>& in, int64_t, auto& sums) {
#pragma unroll
          for (int k = 0; k < Pack<In>::size; ++k) sums[0][k] += Folding<f>::of(in[k]);
        },
        [&](int64_t c, const auto& totals) { y[i * C + c] = store<Out>(totals[0] / divisor); });
  }
}

// `pieces` blocks for each outer row.
template <class T>
__global__ void __launch_bounds__(pack_threads)
    repeat_packs_kernel(Reduction shape, int64_t pieces, acc_t<T> divisor, const T* __restrict__ x,
                        T* __restrict__ y) {
  const int64_t rows = shape.outer * shape.reduce, blocks = shape.outer * pieces;
  for (int64_t block : grid_blocks(blocks)) {
    const int64_t first = rows * block / blocks, last = rows * (block + 1) / blocks;
    const T* const in = x + block / pieces * shape.inner;
    walk_packs<T>(first, last, shape.inner, [&](const PackTile<T>&, int64_t c, auto walk) {
      const Pack<T> own = pack_at(in + c);
      acc_t<T> v[Pack<T>::size];
#pragma unroll
      for (int k = 0; k < Pack<T>::size; ++k) v[k] = own[k] / divisor;
      const Pack<T> out = Pack<T>::of(v);
      walk([](int64_t) { return 0; }, [&](int, int64_t at) { pack_at(y + at) = out; });
    });
  }
}
#endif

template <class T>
__global__ void repeat_columns_kernel(Pieces pieces, int64_t times, acc_t<T> divisor,
                                      const T* __restrict__ x, T* __restrict__ y) {
  for (int64_t i : grid_rows(pieces.count())) {
    const auto [row, first, size] = pieces[i];
    const T* __restrict__ in = x + row / times * pieces.width + first;
    T* __restrict__ out = y + row * pieces.width + first;
    for (int64_t c : block_stride(size)) out[c] = store<T>(load(in[c]) / divisor);
  }
}
template <class T>
__global__ void repeat_rows_kernel(Pieces pieces, acc_t<T> divisor, const T* __restrict__ x,
                                   T* __restrict__ y) {
  for (int64_t i : grid_rows(pieces.count())) {
    const auto [row, first, size] = pieces[i];
    T* __restrict__ out = y + row * pieces.width + first;
    const T value = store<T>(load(x[row]) / divisor);
    for (int64_t c : block_stride(size)) out[c] = value;
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <Fold f, class In, class Out>
static void fold_pass(Here& here, const Reduction& shape, int64_t slabs, double divisor,
                      Span<const In> x, Span<Out> y) {
  using A = acc_t<In>;
  if (shape.inner == 1) {
    launch(fold_rows_kernel<f, In, Out>,
           warp_per_row(shape.outer * slabs, ceil_div(shape.reduce, slabs)), here, shape.outer,
           slabs, shape.reduce, A(divisor), x, y);
    return;
  }
#ifndef TWEED_CPU
  if constexpr (!Folding<f>::is_extreme)
    if (in_packs<In>(shape.inner, x.data()) && shape.outer * slabs < int64_t(1) << 31)
      return launch(fold_packs_kernel<f, In, Out>, pack_config(shape.outer * slabs), here, shape,
                    int(slabs), Quotient(int(slabs)), ceil_div(shape.reduce, slabs), A(divisor), x,
                    y);
#endif
  const Dim block = {32, 8};
  launch(fold_columns_kernel<f, In, Out>,
         {.grid = shape.outer * slabs * ceil_div(shape.inner, fold_tile),
          .block = block,
          .shared = block.y * fold_tile * sizeof(A)},
         here, shape, slabs, A(divisor), x, y);
}

// Slabs first, if there are several; `then` brings their results together.
template <Fold f, Fold then, class T>
static void fold_as(Here& here, const Reduction& shape, double divisor, Span<const T> x, Span<T> y,
                    Span<acc_t<T>> scratch) {
  using A = acc_t<T>;
  const int64_t slabs = shape.slabs();
  if (slabs == 1) return fold_pass<f, T, T>(here, shape, 1, divisor, x, y);
  fold_pass<f, T, A>(here, shape, slabs, 1, x, scratch);
  fold_pass<then, A, T>(here, {shape.outer, slabs, shape.inner}, 1, divisor, scratch, y);
}

template <class M, class T>
void fold(M& here, Fold f, const Reduction& shape, double divisor, Span<const T> x, Span<T> y,
          Span<acc_t<T>> scratch) {
  switch (f) {
    case Fold::sum:
      return fold_as<Fold::sum, Fold::sum>(here, shape, divisor, x, y, scratch);
    case Fold::sum_of_squares:
      return fold_as<Fold::sum_of_squares, Fold::sum>(here, shape, divisor, x, y, scratch);
    case Fold::max:
      return fold_as<Fold::max, Fold::max>(here, shape, 1, x, y, scratch);
    case Fold::min:
      return fold_as<Fold::min, Fold::max>(here, shape, -1, x, y, scratch);
    case Fold::max_abs:
      return fold_as<Fold::max_abs, Fold::max>(here, shape, 1, x, y, scratch);
  }
}

template <class M, class T>
void repeat(M& here, const Reduction& shape, double divisor, Span<const T> x, Span<T> y) {
#ifndef TWEED_CPU
  if (in_packs<T>(shape.inner, x.data(), y.data())) {
    const int64_t pieces = ceil_div(shape.reduce, pack_rows<T>(shape.inner, 8));
    return launch(repeat_packs_kernel<T>, pack_config(shape.outer * pieces), here, shape, pieces,
                  acc_t<T>(divisor), x, y);
  }
#endif
  const bool by_row = shape.inner == 1;
  const Pieces pieces =
      by_row ? Pieces{shape.outer, shape.reduce} : Pieces{shape.outer * shape.reduce, shape.inner};
  const Dim block = {32, 8};
  const Config config = {.grid = ceil_div(pieces.count(), block.y), .block = block};
  if (by_row)
    launch(repeat_rows_kernel<T>, config, here, pieces, acc_t<T>(divisor), x, y);
  else
    launch(repeat_columns_kernel<T>, config, here, pieces, shape.reduce, acc_t<T>(divisor), x, y);
}

#define INSTANTIATE(T)                                                              \
  template void fold(Here&, Fold, const Reduction&, double, Span<const T>, Span<T>, \
                     Span<acc_t<T>>);                                               \
  template void repeat(Here&, const Reduction&, double, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
