// Where the results of tensor cores go, whichever instruction computed them. For kernel files on
// `cuda` and `sim`.
#pragma once
#include "kernels/conv/mma_moments.h"
#include "kernels/conv/mma_slide.h"

namespace tweed {

namespace MACHINE {

/// What a kernel has for its results: conv_mma() of mma.h says what each is. Null is nothing.
template <class T>
struct ResultsOf {
  bool relu;
  const T* __restrict__ bias;
  T* __restrict__ y;
  float* __restrict__ partial;
  float* __restrict__ moments;
};

/// Where the result of a place begins, of its first phase.
template <class T>
__device__ inline T* result_at(const MmaSlide& m, T* y, const Place& p) {
  const Slide& s = m.s;
  const int h = p.row * s.out_step + s.out_top, v = p.column * s.out_step + s.out_left;
  return y + ((int64_t(p.n) * s.out_H + h) * s.out_W + v) * s.channels;
}

/// Where a chunk of a place's results goes, from number `first` on, as far as they exist: whole(at)
/// for all of it, or each(at, j) for number j of the chunk.
template <class T, class Whole, class Each>
__device__ inline void at_chunk(const MmaSlide& m, T* y, int place, int first, Whole whole,
                                Each each) {
  constexpr int chunk = Pack<T>::size;
  const Slide& s = m.s;
  const Place p(m, place);
  if (s.phases == 1) {
    T* const out = result_at(m, y, p) + first;
    if (s.channels % chunk == 0) {
      whole(out);
    } else {
#pragma unroll
      for (int j = 0; j < chunk; ++j)
        if (first + j < s.channels) each(out[j], j);
    }
    return;
  }
  const int h = p.row * s.out_step + s.out_top, v = p.column * s.out_step + s.out_left;
#pragma unroll
  for (int j = 0; j < chunk; ++j) {
    if (first + j >= s.results()) break;
    const int phase = m.phase_channels.of(first + j), channel = first + j - phase * s.channels;
    const int down = h + phase / s.phases, right = v + phase % s.phases;
    if (unsigned(down) < unsigned(s.out_H) && unsigned(right) < unsigned(s.out_W))
      each(y[((int64_t(p.n) * s.out_H + down) * s.out_W + right) * s.channels + channel], j);
  }
}
template <class T>
__device__ inline void store_chunk(const MmaSlide& m, T* y, int place, int first,
                                   const Pack<T>& values) {
  at_chunk(
      m, y, place, first, [&](T* out) { pack_at(out) = values; },
      [&](T& out, int j) { out = values.v[j]; });
}
/// What results are added to; of those that do not exist `values` keep what they are.
template <class T>
__device__ inline void load_chunk(const MmaSlide& m, T* y, int place, int first, Pack<T>& values) {
  at_chunk(
      m, y, place, first, [&](T* there) { values = pack_at(there); },
      [&](T& there, int j) { values.v[j] = there; });
}

/// Numbers that wait in shared memory, the first of them result `first` of `place`.
template <class T, class Out>
__device__ inline void store_results(const MmaSlide& m, T* y, const Out& out, int place,
                                     int first) {
  const int rows = int(m.s.places()) - place, columns = m.s.results() - first;
  if (m.dense)
    out.give_rows(y + int64_t(place) * m.s.channels + first, m.s.channels, rows, columns);
  else
    out.give_chunks(rows, columns, [&](int row, int column, const Pack<T>& values) {
      store_chunk(m, y, place + row, first + column, values);
    });
}

/// Adds what y holds to sums[..][begin] and as many columns more as `group`; these begin with
/// result `first` of `place`. It comes in the way that results go out, and before they are rounded.
template <int rows, int group, class Piece, class T, int down, int across>
__device__ inline void add_begun(const MmaSlide& m, T* y, const Piece& piece, int place, int first,
                                 int begin, float (&sums)[down][across][4]) {
#pragma unroll
  for (int row = 0; row < rows; row += Piece::rows)
#pragma unroll
    for (int column = 0; column < group; column += Piece::columns) {
      piece.take([](int, int) { return Pair<T>::template of<false>(0, 0); });
      piece.give_chunks(int(m.s.places()) - place - row, m.s.results() - first - column,
                        [&](int r, int c, Pack<T>& values) {
                          load_chunk(m, y, place + row + r, first + column + c, values);
                        });
      __syncwarp();
#pragma unroll
      for (int i = 0; i < Piece::rows / 8; ++i)
#pragma unroll
        for (int j = 0; j < Piece::columns / 8; ++j) {
          const Pair<T> there = piece.pair(i, j);
          float* const sum =
              sums[(row / 8 + i) / 2][begin + column / 8 + j] + (row / 8 + i) % 2 * 2;
          sum[0] += there.first();
          sum[1] += there.second();
        }
      __syncwarp();  // before the memory is taken again
    }
}

/// A warp's sums, the first of them result `first` of `place`: into the slice's share of `partial`
/// if there are several; else to y, and their moments to the warp's memory, if wanted.
template <class T, class Tile, class Sums>
__device__ inline void write_sums(const MmaSlide& m, const ResultsOf<T>& to, int64_t slice,
                                  Sums& sums, char* own, int place, int first) {
  constexpr int rows = Tile::warp_rows, columns = Tile::warp_columns;
  const int places = int(m.s.places()), results = m.s.results();
  if (m.slices > 1) {
    write_part<Tile>(sums, own, to.partial + slice * places * results, places, results, place,
                     first);
    return;
  }
  // Registers are few: at most 64 columns at a time are here twice.
  constexpr int group = columns < 64 ? columns : 64, across = group / 8;
  Moments found[columns / group][2] = {};
#pragma unroll
  for (int k = 0; k < columns / group; ++k) {
    Pair<T> pairs[rows / 8][across];
    const typename Tile::template Piece<T> piece{reinterpret_cast<T*>(own)};
    if (to.bias) add_bias<across>(to.bias, first, results, k * across, sums);
    if (m.s.adds)
      add_begun<rows, group>(m, to.y, piece, place, first + k * group, k * across, sums);
    if (to.relu)
      round_sums<true>(sums, k * across, pairs);
    else
      round_sums<false>(sums, k * across, pairs);
    pass_out<rows, group>(
        piece, [&](int i, int j) { return pairs[i][j]; },
        [&](const auto& out, int row, int column) {
          store_results(m, to.y, out, place + row, first + k * group + column);
        });
    if (to.moments) find_moments(pairs, places - place, found[k]);
  }
  if (!to.moments) return;
#pragma unroll
  for (int k = 0; k < columns / group; ++k)
    keep_moments<across>(found[k], reinterpret_cast<Moments*>(own) + k * group);
}

/// After that, and a barrier: moments of the tile that begins there, its columns shared out over
/// the threads; `memory` is that of the first warp, own_bytes from the next.
template <class Tile>
__device__ inline void write_moments(const MmaSlide& m, float* __restrict__ moments, int thread,
                                     const char* memory, int place, int first) {
  const int results = m.s.results();
  if (thread >= Tile::columns || first + thread >= results) return;
  const Moments all = join_warps<Tile>(thread, int(m.s.places()) - place, [&](int warp) {
    return reinterpret_cast<const Moments*>(memory + warp * Tile::own_bytes);
  });
  float* const to = moments + int64_t(place / Tile::rows) * 2 * results + first + thread;
  to[0] = all.mean;
  to[results] = all.squares;
}

}  // namespace MACHINE
}  // namespace tweed
