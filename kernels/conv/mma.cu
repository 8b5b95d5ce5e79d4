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
#include "kernels/conv/mma_slide.h"
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

// ---- out ----------------------------------------------------------------------------------------

template <class T>
struct alignas(16) Eight {
  T v[8];
};

// Results `first` to first + 8 of a place, those that exist: bias, what they are added to,
// activation, and where they go.
template <class T>
__device__ inline void write_results(const MmaSlide& m, bool relu, const T* __restrict__ bias,
                                     T* __restrict__ y, int place, int first, const float* sums) {
  const Slide& s = m.s;
  const Place p(m, place);
  const int h = p.row * s.out_step + s.out_top, v = p.column * s.out_step + s.out_left;
  // -0 added to anything leaves it as it is, and costs no instruction.
  auto value = [&](int j, int channel, float there = -0.0f) {
    const float sum = sums[j] + (bias ? load(bias[channel]) : 0.0f) + there;
    return store<T>(relu && sum <= 0 ? 0.0f : sum);
  };
  auto put = [&](T& out, int j, int channel) {
    out = s.adds ? value(j, channel, load(out)) : value(j, channel);
  };
  if (s.phases == 1) {
    T* out = y + ((int64_t(p.n) * s.out_H + h) * s.out_W + v) * s.channels;
    if (s.channels % 8 == 0) {
      Eight<T> all;
      if (s.adds) {
        all = *(const Eight<T>*)(out + first);
#pragma unroll
        for (int j = 0; j < 8; ++j) all.v[j] = value(j, first + j, load(all.v[j]));
      } else {
#pragma unroll
        for (int j = 0; j < 8; ++j) all.v[j] = value(j, first + j);
      }
      *(Eight<T>*)(out + first) = all;
    } else {
      for (int j = 0; j < 8 && first + j < s.channels; ++j) put(out[first + j], j, first + j);
    }
    return;
  }
  for (int j = 0; j < 8 && first + j < s.results(); ++j) {
    const int phase = m.phase_channels.of(first + j), channel = first + j - phase * s.channels;
    const int down = h + phase / s.phases, right = v + phase % s.phases;
    if (unsigned(down) >= unsigned(s.out_H) || unsigned(right) >= unsigned(s.out_W)) continue;
    put(y[((int64_t(p.n) * s.out_H + down) * s.out_W + right) * s.channels + channel], j, channel);
  }
}

// Moments of a tile's results, as they are stored. Each of `parts` threads of a channel takes every
// parts-th row, in two passes of which the second corrects the first; Chan's formula joins them.
template <class T, class Tile>
__device__ inline void write_moments(const float* sums, int rows, int channel, int channels,
                                     const T* __restrict__ bias, float* __restrict__ moments) {
  constexpr int parts = mma_threads / Tile::columns;
  float* const joined = dynamic_shared<float>() + Tile::rows * Tile::columns;  // (2, threads)
  const int column = threadIdx.x % Tile::columns, part = threadIdx.x / Tile::columns;
  const bool exists = channel + column < channels;
  const float shift = exists && bias ? load(bias[channel + column]) : 0;
  auto value = [&](int row) { return load(store<T>(sums[sum_at<Tile>(row, column)] + shift)); };
  int n = 0;
  float mean = 0, off = 0, squares = 0;
  for (int row = part; row < rows; row += parts, ++n) mean += value(row);
  mean /= float(n > 0 ? n : 1);
  for (int row = part; row < rows; row += parts) {
    const float d = value(row) - mean;
    off += d;
    squares += d * d;
  }
  mean += off / float(n > 0 ? n : 1);
  squares -= off * off / float(n > 0 ? n : 1);
  if constexpr (parts > 1) {
    joined[threadIdx.x] = mean;
    joined[mma_threads + threadIdx.x] = squares;
    __syncthreads();
    if (part > 0) return;
    for (int other = 1; other < parts; ++other) {
      const int more = rows > other ? (rows - other + parts - 1) / parts : 0;
      if (more == 0) break;
      const float share = float(more) / float(n + more);
      const float delta = joined[other * Tile::columns + column] - mean;
      squares +=
          joined[mma_threads + other * Tile::columns + column] + delta * delta * float(n) * share;
      mean += delta * share;
      n += more;
    }
  }
  if (!exists) return;
  moments[channel + column] = mean;
  moments[channels + channel + column] = squares;
}

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
    share_sums<Tile>(sums);
    const float* shared = dynamic_shared<float>();
    for (int i = threadIdx.x; i < Tile::rows * Tile::columns / 8; i += mma_threads) {
      const int row = i / (Tile::columns / 8), eight = i % (Tile::columns / 8) * 8;
      if (place + row >= places || column + eight >= results) continue;
      const Eight<float> values = *(const Eight<float>*)(shared + sum_at<Tile>(row, eight));
      if (m.slices == 1) {
        write_results(m, relu, bias, y, place + row, column + eight, values.v);
        continue;
      }
      float* out = partial + (slice * places + place + row) * results + column + eight;
      for (int j = 0; j < 8 && column + eight + j < results; ++j) out[j] = values.v[j];
    }
    if (moments)
      write_moments<T, Tile>(shared, min(Tile::rows, places - place), column, results, bias,
                             moments + int64_t(place / Tile::rows) * 2 * results);
    __syncthreads();  // before the next tile takes the ring
  }
}

// The second pass adds up the slices, in order.
template <class T>
__global__ void add_slices_kernel(MmaSlide m, bool relu, const float* __restrict__ partial,
                                  const T* __restrict__ bias, T* __restrict__ y) {
  const int64_t results = m.s.results(), eights = (results + 7) / 8, places = m.s.places();
  for (int64_t i : grid_stride(places * eights)) {
    const int64_t place = i / eights, first = i % eights * 8;
    float sums[8] = {};
    for (int64_t slice = 0; slice < m.slices; ++slice) {
      const float* more = partial + (slice * places + place) * results + first;
#pragma unroll
      for (int j = 0; j < 8; ++j)
        if (first + j < results) sums[j] += more[j];
    }
    write_results(m, relu, bias, y, int(place), int(first), sums);
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
    launch(add_slices_kernel<T>, {.grid = ceil_div(s.places() * ceil_div(s.results(), 8), 256)},
           here, m, activation == Activation::relu, Span<const float>(partial), bias, y);
}

#define INSTANTIATE(T)                                                                    \
  template void conv_mma(Here&, const Slide&, const MmaPlan&, Activation, Span<const T>,  \
                         Span<const T>, Span<const T>, Span<T>, Span<float>, Span<float>, \
                         int64_t);
INSTANTIATE(float)
INSTANTIATE(bf16)

}  // namespace tweed
