// Weight gradient: 36 products over all tiles, of dy spread to 36 numbers and of the pixels'.
//
//      x, 64 channels             A block of tiles is transformed by all threads; then each takes
//      +--------+                 some of the 36 numbers and some output channels, whose sums go on
//  k = |        |                 from block to block. So every sum has the order of the tiles,
//  tiles        |                 whatever the number of threads.
//      +--------+
//  +--------+--------+
//  | dy     | 6 x 64 |            At the end 36 sums give 3 x 3 weights.
//  +--------+--------+
#include "kernels/conv/winograd_parts.h"
#include "kernels/machine/trace.h"

namespace tweed {
namespace {

using namespace winograd;

// Of a block's numbers. They are shared by all threads, and lie in the third cache: a thread reads
// those of one product at a time, which fit into its second. Smaller blocks would have the threads
// wait for each other more often.
constexpr int64_t block_bytes = 8 * 1024 * 1024;

template <class T>
class WeightGradient {
 public:
  WeightGradient(const AnyConv& c, const T* x, const T* dy)
      : w_(c.window),
        Co_(c.out_channels),
        transforms_(winograd_transforms<T>(tile_side(w_.out_h(), w_.out_w()))),
        tiles_(transforms_.m, w_.out_h(), w_.out_w()),
        x_{x, w_.H, w_.W, w_.C},
        dy_{dy, w_.out_h(), w_.out_w(), Co_},
        panels_(w_.C, kernel_),
        numbers_(transforms_.numbers()),
        count_(w_.N * tiles_.per_image()),
        size_(block_size()),
        x_apart_(apart(size_ * columns())),
        dy_apart_(apart(size_ * Co_)),
        sums_apart_(apart(Co_ * columns())) {}

  void run(int threads, T* dweight, const Allocate& allocate) {
    x_numbers_ = tweed::winograd::numbers<T>(allocate, numbers_ * x_apart_);
    dy_numbers_ = tweed::winograd::numbers<T>(allocate, numbers_ * dy_apart_);
    sums_ = tweed::winograd::numbers<T>(allocate, numbers_ * sums_apart_);
    T* const zeros = tweed::winograd::numbers<T>(allocate, std::max(w_.C, Co_));
    std::fill_n(zeros, std::max(w_.C, Co_), T(0));
    zeros_ = zeros;
    // Columns beyond the last channel are multiplied, too.
    if (columns() != w_.C) std::fill_n(x_numbers_, numbers_ * x_apart_, T(0));
    for (int64_t t = 0; t < size_; ++t)
      steps_.push_back({int32_t(t * Co_), int32_t(t * columns())});
    for (int64_t first = 0; first < count_; first += size_) {
      const Range tiles{first, std::min(first + size_, count_)};
      transform(tiles, threads);
      multiply(tiles.last - tiles.first, first > 0, threads);
    }
    for_tasks(Co_, threads, [&](int64_t o, int) {
      transforms_.collect(sums_ + o * columns(), sums_apart_, w_.C, dweight + o * 9 * w_.C, w_.C);
    });
  }

 private:
  int64_t columns() const { return panels_.padded(); }
  int64_t block_size() const {
    const int64_t each = numbers_ * (columns() + Co_) * int64_t(sizeof(T));
    return std::min(count_, std::max<int64_t>(block_bytes / each, 32));
  }

  void transform(Range tiles, int threads) const {
    constexpr int64_t together = 4;
    for_tasks(ceil_div(tiles.last - tiles.first, together), threads, [&](int64_t task, int) {
      const int64_t first = tiles.first + task * together;
      const T* pixels[most_numbers];
      for (int64_t t = first; t < std::min(first + together, tiles.last); ++t) {
        const int64_t at = t - tiles.first;
        x_.point(tiles_, t, tiles_.m + 2, w_.rows.before, w_.columns.before, 0, zeros_, pixels);
        transforms_.input(pixels, w_.C, x_numbers_ + at * columns(), x_apart_);
        dy_.point(tiles_, t, tiles_.m, 0, 0, 0, zeros_, pixels);
        transforms_.spread(pixels, Co_, dy_numbers_ + at * Co_, dy_apart_);
      }
    });
  }

  void multiply(int64_t count, bool accumulate, int threads) const {
    const int64_t cuts = ceil_div(Co_, 8 * tile_rows);
    for_tasks(numbers_ * cuts, threads, [&](int64_t task, int) {
      const int64_t number = task / cuts, first = task % cuts * 8 * tile_rows;
      const int64_t last = std::min(first + 8 * tile_rows, Co_);
      for (int64_t p = 0; p < panels_.count(); ++p)
        for (int64_t k = 0; k < count; k += most_steps)
          multiply(number, {first, last}, p, {k, std::min(k + most_steps, count)},
                   accumulate || k > 0);
    });
  }
  // A panel of the rows' sums, over some tiles.
  void multiply(int64_t number, Range rows, int64_t panel, Range k, bool accumulate) const {
    Tile<T> tile{.vectors = int(panels_.width(panel) / panels_.lanes),
                 .k = k.last - k.first,
                 .steps = steps_.data(),
                 .b = x_numbers_ + number * x_apart_ + k.first * columns() + panel * panels_.widest,
                 .accumulate = accumulate};
    const T* dy = dy_numbers_ + number * dy_apart_ + k.first * Co_;
    T* sums = sums_ + number * sums_apart_ + panel * panels_.widest;
    for (int64_t o = rows.first; o < rows.last; o += tile_rows) {
      tile.rows = int(std::min<int64_t>(tile_rows, rows.last - o));
      for (int r = 0; r < tile.rows; ++r) {
        tile.a[r] = dy + o + r;
        tile.c[r] = sums + (o + r) * columns();
      }
      kernel_.run(tile);
    }
  }

  const TileKernel<T>& kernel_ = tile_kernel<T>();
  AnyWindow w_;
  int64_t Co_;
  const WinogradTransforms<T>& transforms_;
  Tiles tiles_;
  Images<const T> x_, dy_;
  Panels panels_;  // of x's channels
  int64_t numbers_, count_, size_;
  int64_t x_apart_, dy_apart_, sums_apart_;
  T *x_numbers_ = nullptr, *dy_numbers_ = nullptr, *sums_ = nullptr;
  const T* zeros_ = nullptr;
  std::vector<TileStep> steps_;
};

}  // namespace

template <class T>
void conv_winograd_backward_weight(Cpu& here, const AnyConv& c, Span<const T> x, Span<const T> dy,
                                   Span<T> dweight, const Allocate& allocate) {
  const trace::Timed timed(
      {.name = "conv_winograd_backward_weight", .bytes = trace::bytes_of_all(x, dy, dweight)});
  WeightGradient<T>(c, x.data(), dy.data())
      .run(tiled::threads_for(here, c), dweight.data(), allocate);
}

#define INSTANTIATE(T)                                                                            \
  template void conv_winograd_backward_weight(Cpu&, const AnyConv&, Span<const T>, Span<const T>, \
                                              Span<T>, const Allocate&);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace tweed
