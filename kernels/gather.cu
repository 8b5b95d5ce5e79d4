#include "kernels/gather.h"
#include "kernels/machine/kernel.h"
#include "kernels/pieces.h"

namespace tweed {
namespace MACHINE {
#include "kernels/row_sum.h"

template <class T>
__global__ void gather_rows_forward_kernel(Pieces pieces, int64_t rows, const T* __restrict__ x,
                                           const int32_t* __restrict__ index, T* __restrict__ y) {
  for (int64_t i : grid_rows(pieces.count())) {
    const auto [m, first, size] = pieces[i];
    const int64_t row = index[m];
    T* __restrict__ out = y + m * pieces.width + first;
    if (row < 0 || row >= rows) {
      for (int64_t c : block_stride(size)) out[c] = store<T>(acc_t<T>(NAN));
    } else {
      const T* __restrict__ in = x + row * pieces.width + first;
      for (int64_t c : block_stride(size)) out[c] = in[c];
    }
  }
}

// A list for each row of the m that name it, ascending: first[row], then next[m], and -1 at its
// end. Every thread goes through all indexes, and links those of its own rows.
__global__ void link_rows_kernel(int64_t rows, int64_t count, const int32_t* __restrict__ index,
                                 int32_t* __restrict__ first, int32_t* __restrict__ next) {
  const int64_t threads = int64_t(gridDim.x) * blockDim.x;
  const int64_t thread = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  const int64_t share = ceil_div(rows, threads);
  const int64_t begin = min(thread * share, rows), end = min(begin + share, rows);
  for (int64_t row = begin; row < end; ++row) first[row] = -1;
  for (int64_t m = count - 1; m >= 0; --m) {
    const int64_t row = index[m];
    if (row < begin || row >= end) continue;
    next[m] = first[row];
    first[row] = int32_t(m);
  }
}

template <class T>
__global__ void gather_rows_backward_kernel(int64_t rows, int64_t width, const T* __restrict__ dy,
                                            const int32_t* __restrict__ first,
                                            const int32_t* __restrict__ next, T* __restrict__ dx) {
  acc_t<T>* const cells = dynamic_shared<acc_t<T>>() + threadIdx.y * row_sum_tile;
  const int64_t tiles = ceil_div(width, row_sum_tile);
  for (int64_t i : grid_rows(rows * tiles)) {
    const int64_t row = i / tiles, c0 = (i - row * tiles) * row_sum_tile;
    RowSum<T> sum(min(row_sum_tile, width - c0), cells);
    for (int64_t m = first[row]; m >= 0; m = next[m]) sum.add(dy + m * width + c0, 1);
    sum.finish(dx + row * width + c0);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void gather_rows_forward(M& here, int64_t width, Span<const T> x, Span<const int32_t> index,
                         Span<T> y) {
  const Pieces pieces = {index.size(), width};
  const Dim block = {32, 8};
  launch(gather_rows_forward_kernel<T>,
         {.grid = ceil_div(pieces.count(), block.y), .block = block, .work = y.size()}, here,
         pieces, width ? x.size() / width : 0, x, index, y);
}

template <class M, class T>
void gather_rows_backward(M& here, int64_t width, Span<const T> dy, Span<const int32_t> index,
                          Span<T> dx, Span<int32_t> first, Span<int32_t> next) {
  if (dx.size() == 0) return;
  const int64_t rows = dx.size() / width;
  launch(link_rows_kernel, {.block = {256}, .work = index.size()}, here, rows, index.size(), index,
         first, next);
  launch(gather_rows_backward_kernel<T>,
         row_sum_config<T>(rows * ceil_div(width, row_sum_tile), dx.size() + dy.size()), here, rows,
         width, dy, first, next, dx);
}

#define INSTANTIATE(T)                                                                            \
  template void gather_rows_forward(Here&, int64_t, Span<const T>, Span<const int32_t>, Span<T>); \
  template void gather_rows_backward(Here&, int64_t, Span<const T>, Span<const int32_t>, Span<T>, \
                                     Span<int32_t>, Span<int32_t>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
