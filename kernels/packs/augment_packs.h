// Images that lie packed for a convolution, for a GPU: a chunk of 16 bytes for a thread, see
// packs.h. For augment.cu, inside namespace tweed::MACHINE.

/// As augment_kernel and pack_pixels() after it. A line of columns, each of them a chunk, goes to
/// `threads` threads, so that most have four to make and look at the view once: a whole warp for a
/// line would leave lanes idle, as with 65 columns.
constexpr int columns_each = 4;
template <int pixels, class T>
__global__ void __launch_bounds__(pack_threads)
    augment_packs_kernel(AugmentShape shape, Quotient of_threads, Quotient of_size, int threads,
                         int columns, int64_t count, const uint8_t* __restrict__ stored,
                         const int32_t* __restrict__ plan, const uint8_t* __restrict__ curves,
                         const float* __restrict__ table, T* __restrict__ images,
                         int32_t* __restrict__ labels, int32_t* __restrict__ other_labels,
                         float* __restrict__ shares) {
  constexpr int numbers = Pack<T>::size, channels = numbers / pixels;
  const int size = int(shape.size), border = int(shape.packing.border);
  for (int64_t n : grid_stride(count)) {
    const int line = of_threads.of(int(n)), thread = int(n) - line * threads;
    const int i = of_size.of(line), y = line - i * size;
    const Sight sight(shape, i, reinterpret_cast<const View*>(plan), stored, curves);
    if (y == 0 && thread == 0) LabelPlaces{labels, other_labels, shares}.write(i, sight);
    T* const to = images + uint64_t(uint32_t(line)) * uint32_t(columns * numbers);
    const bool is_rectangle = sight.is_rectangle();
    const RectangleRow row(sight.view, sight.image(), y);
#pragma unroll 1
    for (int column = thread; column < columns; column += threads) {
      const int begin = column * pixels - border;
      acc_t<T> out[numbers] = {};
      auto show = [&](int p, const Colour& v) {
#pragma unroll
        for (int c = 0; c < 3; ++c) out[p * channels + c] = v.v[c];
      };
      if (is_rectangle) {
#pragma unroll
        for (int p = 0; p < pixels; ++p)
          if (unsigned(begin + p) < unsigned(size)) show(p, row.at(begin + p, table));
      } else {
        // Much code, so it is there once: of numbers in registers none is chosen by an index.
#pragma unroll 1
        for (int p = 0; p < pixels; ++p) {
          if (unsigned(begin + p) >= unsigned(size)) continue;
          const Colour v = sight.at(shape.scale, table, y, begin + p);
#pragma unroll
          for (int q = 0; q < pixels; ++q)
            if (q == p) show(q, v);
        }
      }
      pack_at(to + unsigned(column * numbers)) = Pack<T>::of(out);
    }
  }
}

/// False for a packing that it has not.
template <class M, class T>
bool augment_packs(M& here, const AugmentShape& shape, Span<const uint8_t> pixels,
                   Span<const int32_t> plan, Span<const uint8_t> curves, Span<const float> table,
                   Span<T> images, Span<int32_t> labels, Span<int32_t> other_labels,
                   Span<float> label_shares) {
  constexpr int numbers = Pack<T>::size;
  if constexpr (numbers >= 4) {
    const Packing& p = shape.packing;
    const bool joins = numbers >= 8 && p.pixels == 2;
    if (p.depth() != numbers || (p.pixels != 1 && !joins)) return false;
    const auto kernel = joins ? augment_packs_kernel<numbers / 4, T> : augment_packs_kernel<1, T>;
    const int columns = int(p.columns(shape.size));
    const int threads = int(ceil_div(columns, columns_each));
    const int64_t count = labels.size() * shape.size * threads;
    launch(kernel, pack_config(ceil_div(count, pack_threads)), here, shape, Quotient(threads),
           Quotient(int(shape.size)), threads, columns, count, pixels, plan, curves, table, images,
           labels, other_labels, label_shares);
    return true;
  }
  return false;
}
