// Tiles of heads in shared memory. For attention.cu, which includes it inside namespace
// tweed::MACHINE, behind attention_unit.h.

/// The sizes of arrays in shared memory. D is rounded up to whole groups of four.
struct AttentionTiles {
  int64_t rows, tile, D4;
  TWEED_INLINE int64_t of_rows() const { return D4 * rows; }
  TWEED_INLINE int64_t of_tile() const { return tile * D4; }
  TWEED_INLINE int64_t of_pairs() const { return tile * rows; }
};

// Rows of a head into shared memory, transposed: to[d, i] = factor * from[token i, d]; zeros
// beyond.
template <class T>
__device__ inline void load_transposed(const AttentionTiles& t, int64_t D, const T* from,
                                       int64_t stride, const TokenWindow& w, int64_t first,
                                       int64_t count, int64_t lanes, acc_t<T> factor,
                                       acc_t<T>* __restrict__ to) {
  int64_t whole_rows = 0, whole_channels = 0;
#ifdef TWEED_CPU
  // Squares of eight by eight: eight rows are on their way from memory at a time.
  constexpr int side = 8;
  whole_rows = count / side * side, whole_channels = D / side * side;
  for (int64_t i0 = 0; i0 < whole_rows; i0 += side) {
    const T* rows[side];
    for (int i = 0; i < side; ++i) rows[i] = from + w[first + i0 + i] * stride;
    for (int64_t d0 = 0; d0 < whole_channels; d0 += side) {
      acc_t<T> square[side][side];
      for (int i = 0; i < side; ++i)
        for (int d = 0; d < side; ++d) square[i][d] = load(rows[i][d0 + d]) * factor;
      for (int d = 0; d < side; ++d)
        for (int i = 0; i < side; ++i) to[(d0 + d) * t.rows + i0 + i] = square[i][d];
    }
  }
#endif
  for (int64_t i : block_rows(lanes)) {
    const T* __restrict__ row = i < count ? from + w[first + i] * stride : nullptr;
    const int64_t done = i < whole_rows ? whole_channels : 0;
    for (int64_t d : block_stride(t.D4 - done))
      to[(done + d) * t.rows + i] =
          row && done + d < D ? load(row[done + d]) * factor : acc_t<T>(0);
  }
}
// The opposite: to[token i, d] = from[d, i] * factor[i].
template <class T, class Factor>
__device__ inline void store_transposed(const AttentionTiles& t, int64_t D,
                                        const acc_t<T>* __restrict__ from, Factor factor, T* to,
                                        int64_t stride, const TokenWindow& w, int64_t first,
                                        int64_t count) {
  for (int64_t i : block_rows(count)) {
    T* __restrict__ row = to + w[first + i] * stride;
    const acc_t<T> f = factor(i);
    for (int64_t d : block_stride(D)) row[d] = store<T>(from[d * t.rows + i] * f);
  }
}
// A tile: to[j, d] = from[token j, d]; zeros beyond.
template <class T>
__device__ inline void load_tile(const AttentionTiles& t, int64_t D, const T* from, int64_t stride,
                                 const TokenWindow& w, int64_t first, int64_t count,
                                 acc_t<T>* __restrict__ to) {
  for (int64_t j : block_rows((count + 3) / 4 * 4)) {
    acc_t<T>* __restrict__ out = to + j * t.D4;
    const T* __restrict__ row = from + (j < count ? w[first + j] * stride : 0);
    const int64_t there = j < count ? D : 0;
    for (int64_t d : block_stride(there)) out[d] = load(row[d]);
    for (int64_t d : block_stride(t.D4 - there)) out[there + d] = 0;
  }
}

// Rows are padded to whole vectors.
__device__ inline int64_t whole_lanes(int64_t count) { return (count + 7) / 8 * 8; }

// The numbers of `count` queries; zeros for those up to `padded`.
template <class A>
__device__ inline void load_numbers(const A* __restrict__ from, const TokenWindow& w, int64_t first,
                                    int64_t count, int64_t padded, A* __restrict__ to) {
  if (threadIdx.y == 0)
    for (int64_t i : block_stride(padded)) to[i] = i < count ? from[w[first + i]] : A(0);
}
