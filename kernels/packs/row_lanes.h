// Rows that a few threads of a warp share, pack by pack, see packs.h: so short rows leave no thread
// idle, and a sum over a row takes fewer shuffles. For kernel files of `cuda` and `sim`, which
// include it inside namespace tweed::MACHINE. Blocks are flat, of pack_threads threads.

/// The sum over `lanes` neighbours, a power of two; all of a warp call it together.
template <int lanes, class A>
__device__ inline A lanes_sum(A v) {
#pragma unroll
  for (int d = lanes / 2; d > 0; d /= 2) v += __shfl_xor_sync(0xffffffffu, v, d);
  return v;
}

/// A row of `lanes` threads, of which each keeps up to `most` packs in registers.
template <int lanes, class T>
struct RowLanes {
  static constexpr int most = 4, at_once = pack_threads / lanes;

  /// Calls f(row, inside) for the rows of a thread. All threads of a block make the same number of
  /// calls; one that has no row is given the last, and is not `inside`.
  template <class F>
  __device__ static void for_each_row(int64_t rows, F f) {
    for (int64_t tile : grid_blocks((rows + at_once - 1) / at_once)) {
      const int64_t row = tile * at_once + int(threadIdx.x) / lanes;
      f(row < rows ? row : rows - 1, row < rows);
    }
  }
  /// Calls f(k, c) for the thread's packs of a row of `packs`: its k-th begins at channel c.
  template <class F>
  __device__ static void for_each_pack(int packs, F f) {
#pragma unroll
    for (int k = 0; k < most; ++k) {
      const int pack = int(threadIdx.x) % lanes + k * lanes;
      if (pack < packs) f(k, pack * Pack<T>::size);
    }
  }
};

/// Calls with<lanes>() for rows of C channels with the fewest lanes that can keep them; false if
/// none can.
template <class T, class F>
static bool with_row_lanes(int64_t C, F with) {
  const int64_t share = ceil_div(C / Pack<T>::size, RowLanes<8, T>::most);
  if (share <= 8)
    with.template operator()<8>();
  else if (share <= 16)
    with.template operator()<16>();
  else if (share <= 32)
    with.template operator()<32>();
  return share <= 32;
}
