#include "kernels/machine/kernel.h"
#include "kernels/rearrange.h"

namespace tweed {
namespace MACHINE {

// Two axes, `row` and `column`, span a plane of elements for each index of the other axes. A tile
// is a part of such a plane; tiles are numbered plane by plane, each from left to right and down.
struct Tiles {
  StridedCopy others;
  CopyAxis row, column;
  int64_t most_rows, most_columns;

  struct Tile {
    int64_t x, y, rows, columns;
  };
  TWEED_INLINE int64_t down() const { return (row.size + most_rows - 1) / most_rows; }
  TWEED_INLINE int64_t across() const { return (column.size + most_columns - 1) / most_columns; }
  TWEED_INLINE int64_t count() const {
    int64_t n = down() * across();
    for (int k = 0; k < others.count; ++k) n *= others.axis[k].size;
    return n;
  }
  TWEED_INLINE Tile operator[](int64_t i) const {
    const int64_t line = i / across(), plane = line / down();
    const int64_t r = (line - plane * down()) * most_rows, c = (i - line * across()) * most_columns;
    Tile t = {others.x_offset + r * row.x_stride + c * column.x_stride,
              others.y_offset + r * row.y_stride + c * column.y_stride,
              row.size - r < most_rows ? row.size - r : most_rows,
              column.size - c < most_columns ? column.size - c : most_columns};
    int64_t rest = plane;
    for (int k = others.count - 1; k >= 0; --k) {
      const int64_t outer = rest / others.axis[k].size, index = rest - outer * others.axis[k].size;
      t.x += index * others.axis[k].x_stride;
      t.y += index * others.axis[k].y_stride;
      rest = outer;
    }
    return t;
  }
};

// Copies the rows of a tile without transposing it. For rows that are contiguous in x and in y g++
// makes a call of memcpy out of the loop. For rows of three elements, the colours of a pixel, that
// call would take longer than the copy: they have a loop of constant length, which is unrolled.
enum class Columns { contiguous, colours, strided };
template <Columns kind, class T>
__global__ void copy_tiles_kernel(Tiles tiles, const T* __restrict__ x, T* __restrict__ y) {
  const CopyAxis row = tiles.row, column = tiles.column;
  for (int64_t i : grid_blocks(tiles.count())) {
    const Tiles::Tile t = tiles[i];
    for (int64_t r : block_rows(t.rows)) {
      const T* __restrict__ in = x + t.x + r * row.x_stride;
      T* __restrict__ out = y + t.y + r * row.y_stride;
      if constexpr (kind == Columns::contiguous)
        for (int64_t c : block_stride(t.columns)) out[c] = in[c];
      else if constexpr (kind == Columns::colours)
        for (int64_t c : block_stride(3)) out[c] = in[c];
      else
        for (int64_t c : block_stride(t.columns))
          out[c * column.y_stride] = in[c * column.x_stride];
    }
  }
}

// The tiled transpose: x is contiguous along the row axis, y along the column axis. A tile passes
// through shared memory, so that x is read and y written with neighbouring threads on neighbouring
// elements (coalesced). The extra column of `cell` avoids bank conflicts: without it a column's
// elements would all lie in one bank, and on a CPU in one cache set.
constexpr int64_t square = 64;
template <class T>
__global__ void transpose_tiles_kernel(Tiles tiles, const T* __restrict__ x, T* __restrict__ y) {
  __shared__ T cell[square][square + 1];
  for (int64_t i : grid_blocks(tiles.count())) {
    const Tiles::Tile t = tiles[i];
    for (int64_t c : block_rows(t.columns)) {
      const T* __restrict__ in = x + t.x + c * tiles.column.x_stride;
      for (int64_t r : block_stride(t.rows)) cell[c][r] = in[r];
    }
    __syncthreads();
    for (int64_t r : block_rows(t.rows)) {
      T* __restrict__ out = y + t.y + r * tiles.row.y_stride;
      for (int64_t c : block_stride(t.columns)) out[c] = cell[c][r];
    }
    __syncthreads();
  }
}

}  // namespace MACHINE
using namespace MACHINE;

// Takes axis k out of `copy`.
static CopyAxis take(StridedCopy& copy, int k) {
  const CopyAxis taken = copy.axis[k];
  --copy.count;
  for (; k < copy.count; ++k) copy.axis[k] = copy.axis[k + 1];
  return taken;
}

template <class M, class T>
void copy_strided(M& here, const StridedCopy& copy, Span<const T> x, Span<T> y) {
  const int last = copy.count - 1;
  int along_x = last;  // the axis that is contiguous in x
  while (along_x >= 0 && copy.axis[along_x].x_stride != 1) --along_x;
  const bool transposed = along_x >= 0 && along_x < last && copy.axis[last].y_stride == 1;

  Tiles tiles = {copy, {1, 0, 0}, {1, 1, 1}, square, square};
  if (last >= 0) tiles.column = take(tiles.others, last);
  if (last >= 1) tiles.row = take(tiles.others, transposed ? along_x : last - 1);
  const CopyAxis column = tiles.column;
  if (!transposed) {
    constexpr int64_t most = 1024;
    tiles.most_columns = column.size < 1 ? 1 : column.size < most ? column.size : most;
    tiles.most_rows = most / tiles.most_columns;
  }
  const bool wide = tiles.most_columns >= 32;
  const Config config = {.grid = tiles.count(),
                         .block = wide ? Dim{32, 8} : Dim{4, 64},
                         .work = tiles.count() * tiles.most_rows * tiles.most_columns};
  const bool contiguous = column.x_stride == 1 && column.y_stride == 1;
  auto kernel = transposed                       ? transpose_tiles_kernel<T>
                : contiguous && column.size == 3 ? copy_tiles_kernel<Columns::colours, T>
                : contiguous                     ? copy_tiles_kernel<Columns::contiguous, T>
                                                 : copy_tiles_kernel<Columns::strided, T>;
  launch(kernel, config, here, tiles, x, y);
}

#define INSTANTIATE(T) \
  template void copy_strided(Here&, const StridedCopy&, Span<const T>, Span<T>);
FOR_ALL_TYPES(INSTANTIATE)

}  // namespace tweed
