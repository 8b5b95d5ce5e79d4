// Sums over rows of channels, for the normalisations. For kernel files, which include it inside
// namespace tweed::MACHINE.
//
// threadIdx.x walks channels, threadIdx.y rows. Every thread adds up in its own cells of shared
// memory; channels are taken a tile at a time, so that any number of them fits.

constexpr int64_t norm_tile = 256;
constexpr Dim norm_block = {32, 8};

/// The sum of the cells of a channel over the block's rows of threads.
template <class A>
__device__ inline A sum_of_cells(const A* cells, int64_t c) {
  A total = 0;
  for (int64_t r = 0; r < int64_t(blockDim.y); ++r) total += cells[r * norm_tile + c];
  return total;
}

static inline Config norm_rows_config(int64_t rows) {
  return {.grid = ceil_div(rows, norm_block.y), .block = norm_block};
}
/// A block for each slab of rows, and so many cells of shared memory for each channel of a tile.
template <class A>
static Config norm_slabs_config(int64_t slabs, int cells) {
  return {.grid = slabs,
          .block = norm_block,
          .shared = cells * norm_tile * sizeof(A),
          .work = slabs * norm_slab_size};
}
