// The products of attention.cu on `cpu`, by the register tile. For attention.cu, inside namespace
// tweed::MACHINE.

constexpr int64_t steps_at_once = 256;

/// out[r, x] (+)= sum over y < n of a[r * a_row + y * a_step] b[y, x] for r < rows and x < lanes;
/// rows of b and out are ld apart.
/// @returns  false, and nothing is done, where ld is no whole number of vectors
template <class A>
inline bool products_by_tile(int64_t rows, int64_t n, int64_t lanes, int64_t ld, const A* a,
                             int64_t a_row, int64_t a_step, const A* b, A* out, bool accumulate) {
  const TileKernel<A>& kernel = tile_kernel<A>();
  if (ld % kernel.lanes) return false;
  TileStep steps[steps_at_once];
  for (int64_t y0 = 0; y0 < n; y0 += steps_at_once) {
    const int64_t count = min(steps_at_once, n - y0);
    for (int64_t y = 0; y < count; ++y) steps[y] = {int32_t(y * a_step), int32_t(y * ld)};
    for (int64_t x = 0; x < lanes; x += kernel.columns()) {
      const int64_t vectors = ceil_div(min(lanes - x, int64_t(kernel.columns())), kernel.lanes);
      Tile<A> tile{.vectors = int(vectors),
                   .k = count,
                   .steps = steps,
                   .b = b + y0 * ld + x,
                   .accumulate = accumulate || y0 > 0};
      for (int64_t r = 0; r < rows; r += tile_rows) {
        tile.rows = int(min(int64_t(tile_rows), rows - r));
        for (int i = 0; i < tile.rows; ++i) {
          tile.a[i] = a + (r + i) * a_row + y0 * a_step;
          tile.c[i] = out + (r + i) * ld + x;
        }
        kernel.run(tile);
      }
    }
  }
  return true;
}
