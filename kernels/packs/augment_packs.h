// Images for a GPU in chunks of 16 bytes, see packs.h: packed for a convolution, or as they are.
// For augment.cu, inside namespace tweed::MACHINE.

/// Rows of results, each of `columns` pieces that go to `threads` threads.
struct PieceRows {
  Quotient of_threads, of_size;
  int threads, columns;
  int64_t count;  // of all threads

  PieceRows(const AugmentShape& shape, int64_t results, int columns, int threads)
      : of_threads(threads),
        of_size(int(shape.size)),
        threads(threads),
        columns(columns),
        count(results * shape.size * threads) {}
};

/// Row y of what result i shows, some neighbouring pixels at a time.
struct SightRow {
  const Sight sight;
  const bool is_rectangle;
  const int y, size;
  const RectangleRow row;

  TWEED_INLINE SightRow(const AugmentShape& shape, int i, int y, const int32_t* plan,
                        const uint8_t* stored, const uint8_t* curves)
      : sight(shape, i, reinterpret_cast<const View*>(plan), stored, curves),
        is_rectangle(sight.is_rectangle()),
        y(y),
        size(int(shape.size)),
        row(sight.view, sight.image(), y) {}

  /// Fills chunks with the pixels from `begin` on, `channels` numbers each. Those outside are left
  /// as they are; where pixels have no padding, there are none.
  template <int channels, int chunks, int numbers, class A>
  TWEED_INLINE void show(const PixelScale& scale, const float* table, int begin,
                         A (&out)[chunks][numbers]) const {
    constexpr int pixels = chunks * numbers / channels;
    auto is_inside = [&](int x) { return channels == 3 || unsigned(x) < unsigned(size); };
    auto put_pixel = [&](int p, const Colour& v) {
#pragma unroll
      for (int c = 0; c < 3; ++c) {
        const int k = p * channels + c;
        out[k / numbers][k % numbers] = v.v[c];
      }
    };
    if (is_rectangle) {
#pragma unroll
      for (int p = 0; p < pixels; ++p)
        if (is_inside(begin + p)) put_pixel(p, row.at(begin + p, table));
      return;
    }
    // Much code, so it is there once: of numbers in registers none is chosen by an index.
#pragma unroll 1
    for (int p = 0; p < pixels; ++p) {
      if (!is_inside(begin + p)) continue;
      const Colour v = sight.at(scale, table, y, begin + p);
#pragma unroll
      for (int q = 0; q < pixels; ++q)
        if (q == p) put_pixel(q, v);
    }
  }
};

/// Of a multiprocessor. With three in mind ptxas would keep numbers in local memory.
constexpr int augment_blocks = 2;

/// As augment_kernel and pack_pixels() after it. A row of columns, each of them a chunk, goes to
/// threads that most have four to make and look at the view once: a whole warp for a row would
/// leave lanes idle, as with 65 columns.
constexpr int columns_each = 4;
template <int pixels, class T>
__global__ void __launch_bounds__(pack_threads, augment_blocks)
    augment_packs_kernel(AugmentShape shape, PieceRows rows, const uint8_t* __restrict__ stored,
                         const int32_t* __restrict__ plan, const uint8_t* __restrict__ curves,
                         const float* __restrict__ table, T* __restrict__ images,
                         int32_t* __restrict__ labels, int32_t* __restrict__ other_labels,
                         float* __restrict__ shares) {
  constexpr int numbers = Pack<T>::size;
  for (int64_t n : grid_stride(rows.count)) {
    const int line = rows.of_threads.of(int(n)), thread = int(n) - line * rows.threads;
    const int i = rows.of_size.of(line), y = line - i * int(shape.size);
    const SightRow row(shape, i, y, plan, stored, curves);
    if (y == 0 && thread == 0) LabelPlaces{labels, other_labels, shares}.write(i, row.sight);
    T* const to = images + uint64_t(uint32_t(line)) * uint32_t(rows.columns * numbers);
#pragma unroll 1
    for (int column = thread; column < rows.columns; column += rows.threads) {
      acc_t<T> out[1][numbers] = {};
      row.template show<numbers / pixels>(shape.scale, table,
                                          column * pixels - int(shape.packing.border), out);
      pack_at(to + unsigned(column * numbers)) = Pack<T>::of(out[0]);
    }
  }
}

/// As augment_kernel, where rows are whole runs: the fewest pixels that fill chunks, which are
/// three. A thread makes a run. Chunks go through shared memory, so that what a warp writes at once
/// lies side by side; runs do, over the ends of rows too.
template <class T>
__global__ void __launch_bounds__(pack_threads, augment_blocks)
    augment_runs_kernel(AugmentShape shape, PieceRows rows, const uint8_t* __restrict__ stored,
                        const int32_t* __restrict__ plan, const uint8_t* __restrict__ curves,
                        const float* __restrict__ table, T* __restrict__ images,
                        int32_t* __restrict__ labels, int32_t* __restrict__ other_labels,
                        float* __restrict__ shares) {
  constexpr int pixels = Pack<T>::size, chunks = 3;
  __shared__ Pack<T> cells[chunks * pack_threads];
  const int me = int(threadIdx.x), lane = me % warp_size, of_warp = chunks * (me - lane);
  for (int64_t tile : grid_blocks((rows.count + pack_threads - 1) / pack_threads)) {
    const int64_t n = tile * pack_threads + me;
    if (n < rows.count) {
      const int line = rows.of_threads.of(int(n)), run = int(n) - line * rows.threads;
      const int i = rows.of_size.of(line), y = line - i * int(shape.size);
      const SightRow row(shape, i, y, plan, stored, curves);
      if (y == 0 && run == 0) LabelPlaces{labels, other_labels, shares}.write(i, row.sight);
      acc_t<T> out[chunks][pixels];
      row.template show<3>(shape.scale, table, run * pixels, out);
#pragma unroll
      for (int k = 0; k < chunks; ++k) cells[chunks * me + k] = Pack<T>::of(out[k]);
    }
    __syncwarp();
#pragma unroll
    for (int k = 0; k < chunks; ++k) {
      const int cell = of_warp + k * warp_size + lane;
      const int64_t chunk = tile * (chunks * pack_threads) + cell;
      if (chunk < chunks * rows.count) pack_at(images + chunk * pixels) = cells[cell];
    }
    __syncwarp();  // before the memory is taken again
  }
}

/// False for a packing that it has not, and for plain images whose rows are not whole runs.
template <class M, class T>
bool augment_packs(M& here, const AugmentShape& shape, Span<const uint8_t> pixels,
                   Span<const int32_t> plan, Span<const uint8_t> curves, Span<const float> table,
                   Span<T> images, Span<int32_t> labels, Span<int32_t> other_labels,
                   Span<float> label_shares) {
  constexpr int numbers = Pack<T>::size;
  if constexpr (numbers >= 4) {
    auto start = [&](auto kernel, int64_t columns, int64_t threads) {
      const PieceRows rows(shape, labels.size(), int(columns), int(threads));
      launch(kernel, pack_config(ceil_div(rows.count, pack_threads)), here, shape, rows, pixels,
             plan, curves, table, images, labels, other_labels, label_shares);
      return true;
    };
    const Packing& p = shape.packing;
    if (p == plain_pixels(3)) {
      const int64_t runs = shape.size / numbers;
      return in_packs<T>(shape.size, images.data()) && start(augment_runs_kernel<T>, runs, runs);
    }
    const bool joins = numbers >= 8 && p.pixels == 2;
    if (p.depth() != numbers || (p.pixels != 1 && !joins)) return false;
    const int64_t columns = p.columns(shape.size);
    return start(joins ? augment_packs_kernel<numbers / 4, T> : augment_packs_kernel<1, T>, columns,
                 ceil_div(columns, columns_each));
  }
  return false;
}
