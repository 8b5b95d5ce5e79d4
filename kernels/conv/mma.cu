// The fourth rung: the implicit product on tensor cores. Forward, and the input gradient.
//
// What implicit wastes: a thread fetches every number by itself, from shared memory to a register,
// for four multiply-adds; ordinary cores do one of them at a time; and a tile of 64 x 64 reads each
// pixel for 64 channels only.
//
// What this does: a warp's tensor cores take 16 x 16 numbers of bf16 by 16 x 8 in one instruction,
// 2,048 multiply-adds. A block computes 128 x 128 sums, for which a step of k loads 2 x 8 KiB by
// asynchronous copies: 64 operations a byte in bf16, 32 in TF32, where implicit has 32 and 16.
//
//                k -> 64 bytes       filters 128
//                   +---+     +---------+---------+       ring of four stages in shared memory:
//                   | A |     | B       |         | 64 B
//       places 128  |   |     +---------+---------+         step  | k   | k+1 | k+2 | k+3 |
//                   |   |     | warp 0  | warp 1  |          read by warps  \___ on their way ___/
//                   |   |     | 64 x 64 |         |
//                   |   |     +---------+---------+       a warp, for each 32 bytes of k:
//                   |   |     | warp 2  | warp 3  |         4 + 4 ldmatrix, 4 x 8 mma.sync
//                   +---+     +---------+---------+
//
// A chunk of 16 bytes is channels of one pixel, since their number is a multiple of its own: inside
// the image or outside as a whole. The copy writes zeros for one outside.
#include "kernels/conv/mma.h"
#include "kernels/conv/mma_results.h"
#include "kernels/conv/mma_tile.h"

namespace tweed {

namespace MACHINE {

// ---- into shared memory -------------------------------------------------------------------------

// Which chunks a thread copies of a tile with k along its rows: the chunk of one number in every
// 32nd row. along_k's swizzle repeats every eight rows, so it is worked out for the first row only.
template <int rows>
struct RowShare {
  static constexpr int apart = mma_threads / step_chunks;
  static constexpr int mine = (rows + apart - 1) / apart;
  __device__ static int chunk() { return int(threadIdx.x) % step_chunks; }
  __device__ static int row(int i) { return int(threadIdx.x) / step_chunks + i * apart; }
  __device__ static char* place(char* tile, int i) {
    return tile + along_k(row(0), chunk()) + i * apart * step_bytes;
  }
};

// The windows of a tile's places. `inside` has a bit for each line of the window that lies within
// the image, from bit 16 on for each column: two instructions a chunk, where comparisons took
// eight.
template <class T, int rows>
struct WindowRows {
  using Share = RowShare<rows>;
  const T* images;
  int at[Share::mine];  // the window's first chunk, of all images; may lie outside
  unsigned inside[Share::mine];
  int kh, kw, c, further;  // of the next step's chunk; further: from `at` on

  __device__ WindowRows(const MmaSlide& m, const T* images, int first, int step) : images(images) {
    const Slide& s = m.s;
    for (int i = 0; i < Share::mine; ++i) {
      const bool exists = first + Share::row(i) < s.places();
      const Place p(m, exists ? first + Share::row(i) : 0);
      const int top = p.row * s.step_h + s.top, left = p.column * s.step_w + s.left;
      at[i] = ((p.n * s.H + top) * s.W + left) * m.chunks;
      inside[i] = 0;
      for (int bit = 0; bit < s.height; ++bit)
        inside[i] |= unsigned(exists && unsigned(top + bit) < unsigned(s.H)) << bit;
      for (int bit = 0; bit < s.width; ++bit)
        inside[i] |= unsigned(unsigned(left + bit) < unsigned(s.W)) << (16 + bit);
      pin(at[i]);
    }
    const PatchChunk tap(m, step * step_chunks + Share::chunk());
    kh = tap.kh;
    kw = tap.kw;
    c = tap.chunk;
    further = (kh * s.W + kw) * m.chunks + c;
  }
  // The next step's chunks. Lines beyond the last have no bit.
  __device__ void load(const MmaSlide& m, char* to) {
    const unsigned wanted = 1u << (kh < mma_most_taps ? kh : mma_most_taps) | 1u << (16 + kw);
#pragma unroll
    for (int i = 0; i < Share::mine; ++i)
      cp_async(Share::place(to, i), images + int64_t(at[i] + further) * chunk_numbers<T>,
               (inside[i] & wanted) == wanted);
    c += step_chunks;
    further += step_chunks;
    while (c >= m.chunks) {
      c -= m.chunks;
      if (++kw < m.s.width) continue;
      kw = 0;
      ++kh;
      further += (m.s.W - m.s.width) * m.chunks;
    }
  }
};

// Rows of a matrix (count, patch), from `first` on.
template <class T, int rows>
struct FilterRows {
  using Share = RowShare<rows>;
  const T* next;               // of the thread's first row
  int left, rows_left, apart;  // left: chunks of the row; apart: numbers between two of its rows

  __device__ FilterRows(const MmaSlide& m, const T* filters, int first, int step)
      : left(m.patch_chunks() - step * step_chunks - Share::chunk()),
        rows_left(m.s.results() - first - Share::row(0)),
        apart(Share::apart * m.s.patch()) {
    next = filters + int64_t(first + Share::row(0)) * m.s.patch() +
           (step * step_chunks + Share::chunk()) * chunk_numbers<T>;
  }
  __device__ void load(char* to) {
    if (rows >= Share::apart || Share::row(0) < rows)
#pragma unroll
      for (int i = 0; i < Share::mine; ++i)
        cp_async(Share::place(to, i), next + int64_t(i) * apart,
                 left > 0 && i * Share::apart < rows_left);
    left -= step_chunks;
    next += step_numbers<T>;
  }
};

// ---- the kernels --------------------------------------------------------------------------------

template <class T, class Tile>
__global__ void __launch_bounds__(mma_threads, 2)
    conv_mma_kernel(MmaSlide m, bool relu, const T* __restrict__ images,
                    const T* __restrict__ filters, const T* __restrict__ bias, T* __restrict__ y,
                    float* __restrict__ partial, float* __restrict__ moments) {
  const int places = int(m.s.places()), results = m.s.results();
  const int64_t across = (results + Tile::columns - 1) / Tile::columns;
  const int64_t tiles = (places + Tile::rows - 1) / Tile::rows * across;
  for (int64_t t : grid_blocks(m.slices * tiles)) {
    const int64_t slice = t / tiles;
    const int place = int(t % tiles / across) * Tile::rows;
    const int column = int(t % across) * Tile::columns;
    const int64_t all = (m.patch_chunks() + step_chunks - 1) / step_chunks;
    const int first = int(all * slice / m.slices);
    const int steps = int(all * (slice + 1) / m.slices) - first;
    WindowRows<T, Tile::rows> windows(m, images, place, first);
    FilterRows<T, Tile::columns> rows(m, filters, column, first);
    WarpSums<Tile> sums = {};
    pipeline<Tile>(
        steps,
        [&](char* stage) {
          windows.load(m, stage);
          rows.load(stage + Tile::left_bytes);
        },
        [&](const char* stage) {
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            Fragments<T, Tile> f;
            f.load_along_k(stage, stage + Tile::left_bytes, warp_row<Tile>(), warp_column<Tile>(),
                           half);
            f.multiply(sums);
          }
        });
    const ResultsOf<T> to = {relu, bias, y, partial, moments};
    write_sums<T, Tile>(m, to, slice, sums, own_memory<Tile>(), place + warp_row<Tile>(),
                        column + warp_column<Tile>());
    if (moments) {
      __syncthreads();
      write_moments<Tile>(m, moments, int(threadIdx.x), dynamic_shared<char>(), place, column);
    }
    __syncthreads();  // before the next tile takes the ring
  }
}

// The second pass adds up the slices, in order.
template <class T>
__global__ void add_slices_kernel(MmaSlide m, bool relu, const float* __restrict__ partial,
                                  const T* __restrict__ bias, T* __restrict__ y) {
  constexpr int chunk = Pack<T>::size;
  const int64_t results = m.s.results(), chunks = (results + chunk - 1) / chunk;
  const int64_t places = m.s.places();
  for (int64_t i : grid_stride(places * chunks)) {
    const int64_t place = i / chunks, first = i % chunks * chunk;
    acc_t<T> sums[chunk] = {};
    for (int64_t slice = 0; slice < m.slices; ++slice) {
      const float* more = partial + (slice * places + place) * results + first;
#pragma unroll
      for (int j = 0; j < chunk; ++j)
        if (first + j < results) sums[j] += more[j];
    }
#pragma unroll
    for (int j = 0; j < chunk; ++j) {
      if (bias && first + j < results) sums[j] += load(bias[first + j]);
    }
    if (m.s.adds) {
      Pack<T> there = {};
      load_chunk(m, y, int(place), int(first), there);
#pragma unroll
      for (int j = 0; j < chunk; ++j) sums[j] += load(there.v[j]);
    }
#pragma unroll
    for (int j = 0; j < chunk; ++j)
      if (relu && sums[j] <= 0) sums[j] = 0;
    store_chunk(m, y, int(place), int(first), Pack<T>::of(sums));
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class T, class Tile, class M>
static void launch_tile(M& here, const MmaSlide& m, Activation activation, Span<const T> images,
                        Span<const T> filters, Span<const T> bias, Span<T> y, Span<float> partial,
                        Span<float> moments, int64_t blocks) {
  const int64_t tiles =
      ceil_div(m.s.places(), Tile::rows) * ceil_div(m.s.results(), Tile::columns) * m.slices;
  launch(conv_mma_kernel<T, Tile>,
         {.grid = blocks ? blocks : tiles, .block = {mma_threads}, .shared = Tile::shared_bytes},
         here, m, activation == Activation::relu, images, filters, bias, y, partial, moments);
}

template <class M, class T>
void add_slices(M& here, const Slide& s, int64_t slices, Activation activation,
                Span<const float> partial, Span<const T> bias, Span<T> y) {
  launch(add_slices_kernel<T>,
         {.grid = ceil_div(s.places() * ceil_div(s.results(), Pack<T>::size), 256)}, here,
         MmaSlide(s, slices, chunk_numbers<T>), activation == Activation::relu, partial, bias, y);
}

template <class M, class T>
void conv_mma(M& here, const Slide& s, const MmaPlan& plan, Activation activation,
              Span<const T> images, Span<const T> filters, Span<const T> bias, Span<T> y,
              Span<float> partial, Span<float> moments, int64_t blocks) {
  const MmaSlide m(s, plan.slices, chunk_numbers<T>);
  auto with = [&]<class Tile>() {
    launch_tile<T, Tile>(here, m, activation, images, filters, bias, y, partial, moments, blocks);
  };
  if (plan.tile == mma_tiles[0])
    with.template operator()<BlockTile<128, 128, 64, 64>>();
  else if (plan.tile == mma_tiles[1])
    with.template operator()<BlockTile<256, 64, 64, 64>>();
  else if (plan.tile == mma_tiles[2])
    with.template operator()<BlockTile<64, 64, 32, 32>>();
  else if (plan.tile == mma_tiles[3])
    with.template operator()<BlockTile<128, 32, 32, 32>>();
  else
    with.template operator()<BlockTile<128, 16, 32, 16>>();
  if (plan.slices > 1)
    add_slices(here, s, plan.slices, activation, Span<const float>(partial), bias, y);
}

#define INSTANTIATE(T)                                                                    \
  template void conv_mma(Here&, const Slide&, const MmaPlan&, Activation, Span<const T>,  \
                         Span<const T>, Span<const T>, Span<T>, Span<float>, Span<float>, \
                         int64_t);                                                        \
  template void add_slices(Here&, const Slide&, int64_t, Activation, Span<const float>,   \
                           Span<const T>, Span<T>);
INSTANTIATE(float)
INSTANTIATE(bf16)

}  // namespace tweed
