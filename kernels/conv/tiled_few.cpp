// Few results a window: pixels along the vectors, results along the tile's rows.
//
//                       one channel of the band, as a plane: 64 windows side by side,
//                       shifted by the tap
//                      +--------+--------+--------+--------+
//      k = channel,    |        |        |        |        |    from tap to tap the same numbers,
//      tap             +--------+--------+--------+--------+    a pixel to the right or a row below
//     +-----------+    +--------+--------+--------+--------+
//     | filters,  |    |                                   |
//     | [k][3]    |    |            3 x 64 sums            |
//     +-----------+    +-----------------------------------+
//
// Three results would fill 3 lanes of 16. Turned round, they fill whole vectors; the price is that
// the band is copied into planes, once for all taps.
#include "kernels/conv/tiled_parts.h"

namespace tweed::tiled {
namespace {

// What the tiles of one phase read.
template <class T>
struct Taps {
  const T* filters;  // [k][result]
  std::vector<TileStep> steps;
};

// The windows of a block stand on pixels of planes whose rows are `pitch` long. All places of a
// plane are computed; those that are not windows are dropped.
template <class T>
class FewResults {
 public:
  FewResults(const Windows& w, const T* source, const T* bias, bool relu, T* y)
      : w_(w),
        source_(source),
        bias_(bias),
        relu_(relu),
        y_(y),
        blocks_(blocks_of(w, block_bytes / int64_t(sizeof(T)) * 2)),
        shape_(w, blocks_[0].rows.last - blocks_[0].rows.first),
        images_(blocks_[0].images.last - blocks_[0].images.first),
        plane_(images_ * shape_.rows * shape_.columns) {}

  template <class Weight>
  void run(int threads, const Weight& weight, const Allocate& allocate) {
    for (const Phase& phase : w_.phases) taps_.push_back(taps_of(phase, weight, allocate));
    // The last tile reads beyond the last plane, by its width and the largest shift.
    const int64_t each = ceil_div(plane_ * (w_.C + 1) + width(), 16) * 16;
    T* const scratch = numbers<T>(allocate, threads * each);
    for_tasks(int64_t(blocks_.size()), threads, [&](int64_t task, int thread) {
      const Block& block = blocks_[std::size_t(task)];
      split(block, scratch + thread * each);
      for (std::size_t i = 0; i < taps_.size(); ++i)
        multiply(block, w_.phases[i], taps_[i], scratch + thread * each);
    });
  }

 private:
  template <class Weight>
  Taps<T> taps_of(const Phase& phase, const Weight& weight, const Allocate& allocate) const {
    const int64_t results = w_.out_channels;
    T* filters = numbers<T>(allocate, phase.taps() * w_.C * results);
    Taps<T> taps{filters, {}};
    for (int64_t channel = 0; channel < w_.C; ++channel)
      for (const Tap& row : phase.rows.taps)
        for (const Tap& column : phase.columns.taps) {
          const int64_t at = (row.shift - w_.down.least) * shape_.columns + column.shift -
                             w_.across.least + channel * plane_;
          taps.steps.push_back({int32_t(filters - taps.filters), int32_t(at)});
          for (int64_t r = 0; r < results; ++r) *filters++ = weight(row, column, channel, r);
        }
    return taps;
  }

  // The block's band, with a plane for each channel.
  void split(const Block& block, T* planes) const {
    const int64_t top = block.rows.first + w_.down.least, left = w_.across.least;
    const int64_t rows = block.rows.last - block.rows.first + w_.down.pixels() - 1;
    const Range inside{std::clamp<int64_t>(-left, 0, shape_.columns),
                       std::clamp<int64_t>(w_.W - left, 0, shape_.columns)};
    for (int64_t n = 0; n < block.images.last - block.images.first; ++n)
      for (int64_t h = 0; h < rows; ++h) {
        const bool beyond = top + h < 0 || top + h >= w_.H;
        const Range pixels = beyond ? Range{0, 0} : inside;
        T* const to = planes + (n * shape_.rows + h) * shape_.columns;
        for (int64_t i = 0; i < w_.C; ++i) {
          std::fill(to + i * plane_, to + i * plane_ + pixels.first, T(0));
          std::fill(to + i * plane_ + pixels.last, to + i * plane_ + shape_.columns, T(0));
        }
        if (!beyond)
          transpose(
              pixels.last - pixels.first,
              source_ +
                  (((block.images.first + n) * w_.H + top + h) * w_.W + left + pixels.first) * w_.C,
              to + pixels.first);
      }
  }

  // `pixels` rows of C numbers into C rows, plane_ apart. Four by four in registers: one number
  // after another takes three times as long.
  void transpose(int64_t pixels, const T* from, T* to) const {
    typedef T Four __attribute__((vector_size(4 * sizeof(T)), aligned(sizeof(T)), may_alias));
    const int64_t C = w_.C;
    auto at = [](auto* p) { return (Four*)p; };
    for (int64_t v = 0; v < pixels; v += 4)
      for (int64_t i = 0; i < C; i += 4) {
        const T* p = from + v * C + i;
        T* q = to + i * plane_ + v;
        if (i + 4 > C || v + 4 > pixels) {
          for (int64_t a = 0; a < std::min<int64_t>(4, C - i); ++a)
            for (int64_t b = 0; b < std::min<int64_t>(4, pixels - v); ++b)
              q[a * plane_ + b] = p[b * C + a];
          continue;
        }
        const Four r0 = *at(p), r1 = *at(p + C), r2 = *at(p + 2 * C), r3 = *at(p + 3 * C);
        const Four a = __builtin_shufflevector(r0, r1, 0, 4, 1, 5);
        const Four b = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
        const Four c = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
        const Four d = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
        *at(q) = __builtin_shufflevector(a, b, 0, 1, 4, 5);
        *at(q + plane_) = __builtin_shufflevector(a, b, 2, 3, 6, 7);
        *at(q + 2 * plane_) = __builtin_shufflevector(c, d, 0, 1, 4, 5);
        *at(q + 3 * plane_) = __builtin_shufflevector(c, d, 2, 3, 6, 7);
      }
  }

  void multiply(const Block& block, const Phase& phase, const Taps<T>& taps,
                const T* planes) const {
    const int64_t width = this->width(), results = w_.out_channels;
    alignas(64) T sums[tile_rows * 64];
    Tile<T> tile{.rows = int(results),
                 .vectors = vectors(),
                 .k = int64_t(taps.steps.size()),
                 .steps = taps.steps.data()};
    for (int64_t r = 0; r < results; ++r) {
      tile.a[r] = taps.filters + r;
      tile.c[r] = sums + r * width;
    }
    const int64_t images = block.images.last - block.images.first;
    const int64_t rows = (images - 1) * shape_.rows + block.rows.last - block.rows.first;
    const int64_t last = rows * shape_.columns;
    for (int64_t at = 0; at < last; at += width) {
      tile.b = planes + at;
      kernel_.run(tile);
      write(block, phase, at, std::min(at + width, last), sums);
    }
  }

  // The sums of those places that are windows.
  void write(const Block& block, const Phase& phase, int64_t first, int64_t last,
             const T* sums) const {
    const int64_t width = this->width(), results = w_.out_channels;
    const int64_t rows = std::min(block.rows.last, phase.rows.count);
    for (int64_t at = first; at < last;) {
      const int64_t row = at / shape_.columns, column = at % shape_.columns;
      const int64_t n = block.images.first + row / shape_.rows;
      const int64_t i = block.rows.first + row % shape_.rows;
      const int64_t end = std::min(last, at - column + shape_.columns);
      if (i < rows) {
        const int64_t used = std::min(end, at - column + phase.columns.count);
        T* y = y_ + ((n * w_.out_h + phase.rows.first + i * phase.rows.apart) * w_.out_w +
                     phase.columns.first + column * phase.columns.apart) *
                        results;
        for (int64_t p = at; p < used; ++p, y += phase.columns.apart * results)
          for (int64_t r = 0; r < results; ++r) {
            const T sum = sums[r * width + p - first] + (bias_ ? bias_[r] : T(0));
            y[r] = relu_ && sum <= 0 ? T(0) : sum;
          }
      }
      at = end;
    }
  }

  int vectors() const {
    return w_.out_channels <= few_rows ? kernel_.vectors_of_few : kernel_.vectors;
  }
  int64_t width() const { return vectors() * kernel_.lanes; }

  const TileKernel<T>& kernel_ = tile_kernel<T>();
  const Windows& w_;
  const T *source_, *bias_;
  bool relu_;
  T* y_;
  std::vector<Block> blocks_;
  BandShape shape_;  // of the largest block
  int64_t images_, plane_;
  std::vector<Taps<T>> taps_;
};

}  // namespace

template <class T>
void few_results(const Windows& w, int threads, const T* source, const T* bias, bool relu, T* y,
                 const Weight<T>& weight, const Allocate& allocate) {
  FewResults<T>(w, source, bias, relu, y).run(threads, weight, allocate);
}

#define INSTANTIATE(T)                                                                           \
  template void few_results(const Windows&, int, const T*, const T*, bool, T*, const Weight<T>&, \
                            const Allocate&);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace tweed::tiled
