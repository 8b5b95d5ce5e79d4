#include "kernels/machine/kernel.h"
#include "kernels/pieces.h"
#include "kernels/rearrange.h"

namespace tweed {
namespace MACHINE {

template <class T>
__global__ void transpose_kernel(int64_t batch, int64_t rows, int64_t columns,
                                 const T* __restrict__ x, T* __restrict__ y) {
  for (int64_t i : grid_rows(batch * columns)) {
    const int64_t b = i / columns, c = i - b * columns;
    const T* __restrict__ in = x + b * rows * columns + c;
    T* __restrict__ out = y + i * rows;
    for (int64_t r : block_stride(rows)) out[r] = in[r * columns];
  }
}

template <class T>
__global__ void copy_rows_kernel(Pieces pieces, const T* __restrict__ x, int64_t x_stride,
                                 T* __restrict__ y, int64_t y_stride) {
  for (int64_t i : grid_rows(pieces.count())) {
    const auto [row, first, size] = pieces[i];
    const T* __restrict__ in = x + row * x_stride + first;
    T* __restrict__ out = y + row * y_stride + first;
    for (int64_t c : block_stride(size)) out[c] = in[c];
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void transpose(M& here, int64_t batch, int64_t rows, int64_t columns, Span<const T> x, Span<T> y) {
  const Dim block = {32, 8};
  launch(transpose_kernel<T>, {.grid = ceil_div(batch * columns, block.y), .block = block}, here,
         batch, rows, columns, x, y);
}

template <class M, class T>
void copy_rows(M& here, int64_t rows, int64_t width, Span<const T> x, int64_t x_stride, Span<T> y,
               int64_t y_stride) {
  const Dim block = {32, 8};
  const Pieces pieces = {rows, width};
  launch(copy_rows_kernel<T>, {.grid = ceil_div(pieces.count(), block.y), .block = block}, here,
         pieces, x, x_stride, y, y_stride);
}

#define INSTANTIATE(T)                                                               \
  template void transpose(Here&, int64_t, int64_t, int64_t, Span<const T>, Span<T>); \
  template void copy_rows(Here&, int64_t, int64_t, Span<const T>, int64_t, Span<T>, int64_t);
FOR_ALL_TYPES(INSTANTIATE)

}  // namespace tweed
