// The moments of a tile's columns, from the registers where its results are. For kernel files on
// `cuda` and `sim`.
//
//   a lane    the mean of its rows, then the squared deviations from it: two passes
//   a warp    lanes with the same columns, which are those with the same lane % 4: three exchanges,
//             at each of which a lane gives away half of its columns and gets the other's share of
//             the rest, so that eight columns in 2 x 8 lanes become one in each
//   a block   warps below each other, through shared memory, in order
//
// Two become one by Chan's formula, which subtracts means only: right for means far from zero.
// Source: Chan, Golub, LeVeque 1983, "Algorithms for computing the sample variance"
#pragma once
#include "kernels/conv/mma_out.h"

namespace tweed {

namespace MACHINE {

/// Of numbers of one column: their mean, and the sum of their squared deviations from it.
struct alignas(8) Moments {
  float mean, squares;
  /// What of Chan's formula depends on the counts alone, n rows and `more`.
  struct Weights {
    float share, product;
    __device__ Weights(float n, float more)
        : share(more / (n + more > 0 ? n + more : 1)), product(n * share) {}
  };
  __device__ Moments joined(const Moments& o, const Weights& w) const {
    const float delta = o.mean - mean;
    return {mean + delta * w.share, squares + o.squares + delta * (delta * w.product)};
  }
};

/// How many of `most` rows from a place on exist.
__device__ inline int rows_of(int left, int most) {
  return left < 0 ? 0 : left < most ? left : most;
}

/// Of the lane's numbers of a column, of which `exists(i)`; they are n.
template <bool full, int rows, class F>
__device__ inline Moments moments_of(const float (&v)[rows], float n, F exists) {
  float sum = 0;
#pragma unroll
  for (int i = 0; i < rows; ++i) sum += full || exists(i) ? v[i] : 0.0f;
  Moments m = {full ? sum * (1.0f / rows) : sum / (n > 0 ? n : 1), 0};
#pragma unroll
  for (int i = 0; i < rows; ++i) {
    const float d = full || exists(i) ? v[i] - m.mean : 0.0f;
    m.squares += d * d;
  }
  return m;
}

/// By value: a choice between two places would put both into local memory.
__device__ inline Moments chosen(bool first, Moments a, Moments b) {
  return {first ? a.mean : b.mean, first ? a.squares : b.squares};
}
__device__ inline Moments from_lane(const Moments& m, int lanes) {
  return {__shfl_xor_sync(0xffffffffu, m.mean, lanes),
          __shfl_xor_sync(0xffffffffu, m.squares, lanes)};
}
/// Joins m[0] to m[count] of the lanes of a warp that have the same columns; the lane's own are of
/// n rows. In the end a lane has one of them, m[0].
template <bool full, int lanes, int count, int across>
__device__ inline void join_lanes(Moments (&m)[across][2], float n) {
  if constexpr (lanes >= 4) {
    const float more = full ? n : __shfl_xor_sync(0xffffffffu, n, lanes);
    const Moments::Weights weights(n, more);
    const bool upper = threadIdx.x & lanes;
    constexpr int kept = count > 1 ? count / 2 : 1;
#pragma unroll
    for (int j = 0; j < kept; ++j)
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const Moments low = m[j][e], high = m[count - kept + j][e];
        const Moments other = from_lane(chosen(upper, low, high), lanes);
        m[j][e] = chosen(upper, high, low).joined(other, weights);
      }
    join_lanes<full, lanes / 2, kept>(m, n + more);
  }
}

/// Moments of a warp's pairs, 64 columns at most: a lane gets those of two neighbours. `left`: rows
/// from the warp's first one on.
template <bool full, class T, int down, int across>
__device__ inline void find_moments(const Pair<T> (&pairs)[down][across], int left,
                                    Moments (&found)[2]) {
  const int g = int(threadIdx.x) % 32 / 4;
  auto exists = [&](int i) { return 8 * i + g < left; };
  const float n = full ? float(down) : float(rows_of(left - g + 7, 8 * down) / 8);
  Moments m[across][2];
#pragma unroll
  for (int j = 0; j < across; ++j) {
    float first[down], second[down];
#pragma unroll
    for (int i = 0; i < down; ++i) {
      first[i] = pairs[i][j].first();
      second[i] = pairs[i][j].second();
    }
    m[j][0] = moments_of<full>(first, n, exists);
    m[j][1] = moments_of<full>(second, n, exists);
  }
  join_lanes<full, 16, across>(m, n);
  found[0] = m[0][0];
  found[1] = m[0][1];
}
template <class T, int down, int across>
__device__ inline void find_moments(const Pair<T> (&pairs)[down][across], int left,
                                    Moments (&found)[2]) {
  if (left >= 8 * down)
    find_moments<true>(pairs, left, found);
  else
    find_moments<false>(pairs, left, found);
}
/// And puts them into the warp's memory; where columns are fewer than lanes, several lanes have the
/// same.
template <int across>
__device__ inline void keep_moments(const Moments (&found)[2], Moments* own) {
  const int lane = int(threadIdx.x) % 32, g = lane / 4;
  if (g * across % 8) return;
  Moments* const to = own + g * across / 8 * 8 + lane % 4 * 2;
  to[0] = found[0];
  to[1] = found[1];
}

/// Those of a column of the block's tile; `own(warp)` is a warp's memory, `left`: rows of the tile.
template <class Tile, class F>
__device__ inline Moments join_warps(int column, int left, F own) {
  constexpr int warps_across = Tile::columns / Tile::warp_columns;
  Moments all = {0, 0};
  float n = 0;
#pragma unroll
  for (int down = 0; down < Tile::rows / Tile::warp_rows; ++down) {
    const float more = float(rows_of(left - down * Tile::warp_rows, Tile::warp_rows));
    const Moments* const warp = own(down * warps_across + column / Tile::warp_columns);
    all = all.joined(warp[column % Tile::warp_columns], {n, more});
    n += more;
  }
  return all;
}

}  // namespace MACHINE
}  // namespace tweed
