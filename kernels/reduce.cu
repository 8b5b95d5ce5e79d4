#include "kernels/machine/kernel.h"
#include "kernels/pieces.h"
#include "kernels/reduce.h"

namespace tweed {
namespace MACHINE {

// inner is 1: a block adds a contiguous slab.
template <class In, class Out>
__global__ void sum_rows_kernel(int64_t outer, int64_t slabs, int64_t reduce, acc_t<In> divisor,
                                const In* __restrict__ x, Out* __restrict__ y) {
  for (int64_t i : grid_blocks(outer * slabs)) {
    const int64_t row = i / slabs, slab = i - row * slabs, length = ceil_div(reduce, slabs);
    const int64_t first = min(slab * length, reduce), last = min(first + length, reduce);
    const In* __restrict__ part = x + row * reduce + first;
    const acc_t<In> total = block_sum(last - first, [&](int64_t c) { return load(part[c]); });
    if (threadIdx.x == 0) y[i] = store<Out>(total / divisor);
  }
}

// threadIdx.x walks the inner axis, threadIdx.y the summed one; every thread adds up in its own
// cells of shared memory, and the first row of threads adds those up.
constexpr int64_t sum_tile = 256;
template <class In, class Out>
__global__ void sum_columns_kernel(Reduction shape, int64_t slabs, acc_t<In> divisor,
                                   const In* __restrict__ x, Out* __restrict__ y) {
  using A = acc_t<In>;
  A* const cells = dynamic_shared<A>();
  A* __restrict__ sum = cells + threadIdx.y * sum_tile;
  const int64_t inner = shape.inner, tiles = ceil_div(inner, sum_tile);
  const int64_t length = ceil_div(shape.reduce, slabs);
  for (int64_t i : grid_blocks(shape.outer * slabs * tiles)) {
    const int64_t part = i / tiles, row = part / slabs, slab = part - row * slabs;
    const int64_t c0 = (i - part * tiles) * sum_tile, width = min(sum_tile, inner - c0);
    const int64_t first = slab * length, last = min(first + length, shape.reduce);
    for (int64_t c : block_stride(width)) sum[c] = 0;
    for (int64_t r = first + threadIdx.y; r < last; r += blockDim.y) {
      const In* __restrict__ in = x + (row * shape.reduce + r) * inner + c0;
      for (int64_t c : block_stride(width)) sum[c] += load(in[c]);
    }
    __syncthreads();
    if (threadIdx.y == 0)
      for (int64_t c : block_stride(width)) {
        A total = 0;
        for (int64_t t = 0; t < int64_t(blockDim.y); ++t) total += cells[t * sum_tile + c];
        y[part * inner + c0 + c] = store<Out>(total / divisor);
      }
    __syncthreads();
  }
}

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

template <class In, class Out>
static void sum_pass(Here& here, const Reduction& shape, int64_t slabs, double divisor,
                     Span<const In> x, Span<Out> y) {
  using A = acc_t<In>;
  if (shape.inner == 1) {
    const int64_t threads = ceil_div(ceil_div(shape.reduce, slabs), 32) * 32;
    const Dim block = {int(threads < 32 ? 32 : threads > 256 ? 256 : threads)};
    launch(sum_rows_kernel<In, Out>, {.grid = shape.outer * slabs, .block = block}, here,
           shape.outer, slabs, shape.reduce, A(divisor), x, y);
  } else {
    const Dim block = {32, 8};
    launch(sum_columns_kernel<In, Out>,
           {.grid = shape.outer * slabs * ceil_div(shape.inner, sum_tile),
            .block = block,
            .shared = block.y * sum_tile * sizeof(A)},
           here, shape, slabs, A(divisor), x, y);
  }
}

template <class M, class T>
void sum(M& here, const Reduction& shape, double divisor, Span<const T> x, Span<T> y,
         Span<acc_t<T>> scratch) {
  using A = acc_t<T>;
  const int64_t slabs = shape.slabs();
  if (slabs == 1) return sum_pass<T, T>(here, shape, 1, divisor, x, y);
  sum_pass<T, A>(here, shape, slabs, 1, x, scratch);
  sum_pass<A, T>(here, {shape.outer, slabs, shape.inner}, 1, divisor, scratch, y);
}

template <class M, class T>
void repeat(M& here, const Reduction& shape, double divisor, Span<const T> x, Span<T> y) {
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

#define INSTANTIATE(T)                                                                        \
  template void sum(Here&, const Reduction&, double, Span<const T>, Span<T>, Span<acc_t<T>>); \
  template void repeat(Here&, const Reduction&, double, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
