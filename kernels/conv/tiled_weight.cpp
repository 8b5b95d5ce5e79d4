// Weight gradient: for each tap, the transposed dy times the pixels under that tap.
//
//                              x, 64 channels at the tap
//      k = the windows whose  +--------+
//      tap lies in the image, |        |    both read in place: dy at the window,
//      one after another      +--------+    x at the pixel
//     +----------------+      +--------+
//     | dy             |      | 6 x 64 |    the sums lie as dweight does: a row is an
//     | (6 of Co)      |      |  sums  |    output channel
//     +----------------+      +--------+
//
// Nothing is copied, and windows whose tap lies beyond the border are left out: of a 3x3 window
// over 2x2 pixels, 5 of 9 multiply-adds.
//
// The windows are cut into slabs by shape. Each has a whole set of sums; a slab's are added to in
// the order of its blocks, and at the end the slabs in theirs.
#include "kernels/conv/tiled_parts.h"
#include "kernels/machine/trace.h"

namespace tweed {
namespace {

using namespace tiled;

template <class T>
class ByTaps {
 public:
  ByTaps(const AnyConv& c, Span<const T> x, Span<const T> dy)
      : w_(c.window),
        Co_(c.out_channels),
        x_(x),
        dy_(dy),
        panels_(w_.C, kernel_),
        blocks_(blocks_of()),
        slabs_(slabs_for(int64_t(blocks_.size()), Co_ * w_.patch())),
        cuts_(std::min(ceil_div(16, slabs_), ceil_div(Co_, 2 * tile_rows))),
        rows_(ceil_div(ceil_div(Co_, cuts_), tile_rows) * tile_rows) {}

  void run(int threads, T* dweight, const Allocate& allocate) const {
    const int64_t weights = Co_ * w_.patch(), n = int64_t(blocks_.size());
    T* const sums = slabs_ == 1 ? dweight : numbers<T>(allocate, slabs_ * weights);
    for_tasks(slabs_ * cuts_, threads, [&](int64_t task, int) {
      const int64_t slab = task / cuts_, cut = task % cuts_, first = n * slab / slabs_;
      const Range rows{std::min(cut * rows_, Co_), std::min((cut + 1) * rows_, Co_)};
      clear(rows, sums + slab * weights);
      const int64_t last = n * (slab + 1) / slabs_;
      for (int64_t i = first; i < last; ++i) {
        Ahead ahead;
        if (i + 1 < last) look_at(blocks_[std::size_t(i + 1)], ahead);
        add_block(blocks_[std::size_t(i)], rows, sums + slab * weights, ahead);
      }
    });
    if (slabs_ == 1) return;
    for_tasks(ceil_div(weights, together), threads, [&](int64_t task, int) {
      for (int64_t i = task * together; i < std::min((task + 1) * together, weights); ++i) {
        T sum = sums[i];
        for (int64_t slab = 1; slab < slabs_; ++slab) sum += sums[slab * weights + i];
        dweight[i] = sum;
      }
    });
  }

 private:
  static constexpr int64_t together = 4096;  // weights whose slabs a task adds

  // Blocks of windows whose pixels and dy fit the cache.
  std::vector<Block> blocks_of() const {
    const int64_t bytes = int64_t(sizeof(T)) * (w_.rows.stride * w_.columns.stride * w_.C + Co_);
    const int64_t row = bytes * w_.out_w(), image = row * w_.out_h();
    const int64_t images = std::max<int64_t>(1, block_bytes / image);
    const int64_t parts = ceil_div(image, std::max(block_bytes, row));
    const int64_t rows = ceil_div(w_.out_h(), parts);
    std::vector<Block> blocks;
    for (int64_t n = 0; n < w_.N; n += images)
      for (int64_t r = 0; r < w_.out_h(); r += rows)
        blocks.push_back({{n, std::min(n + images, w_.N)}, {r, std::min(r + rows, w_.out_h())}});
    return blocks;
  }

  void clear(Range rows, T* sums) const {
    std::fill(sums + rows.first * w_.patch(), sums + rows.last * w_.patch(), T(0));
  }

  // The block's windows that see the tap (kh, kw) in the image: offsets of dy and pixel from those
  // of the block's first image.
  void find_steps(const Block& block, int64_t kh, int64_t kw, std::vector<TileStep>& steps) const {
    const int64_t OH = w_.out_h(), OW = w_.out_w();
    steps.clear();
    for (int64_t n = 0; n < block.images.last - block.images.first; ++n)
      for (int64_t i = block.rows.first; i < block.rows.last; ++i) {
        const int64_t h = w_.rows.pixel(i, kh);
        if (h < 0 || h >= w_.H) continue;
        for (int64_t j = 0; j < OW; ++j) {
          const int64_t v = w_.columns.pixel(j, kw);
          if (v < 0 || v >= w_.W) continue;
          steps.push_back({int32_t(((n * OH + i) * OW + j) * Co_),
                           int32_t(((n * w_.H + h) * w_.W + v) * w_.C)});
        }
      }
  }

  // dy, and the pixels from which the block's first row of taps on new ones begin.
  void look_at(const Block& block, Ahead& ahead) const {
    const int64_t images = block.images.last - block.images.first;
    const int64_t rows = block.rows.last - block.rows.first;
    const int64_t top = std::min(block.rows.first * w_.rows.stride, w_.H);
    const int64_t pixels = (images - 1) * w_.H + std::min(rows * w_.rows.stride, w_.H - top);
    ahead.add(dy_ + (block.images.first * w_.out_h() + block.rows.first) * w_.out_w() * Co_,
              images * rows * w_.out_w() * Co_);
    ahead.add(x_ + (block.images.first * w_.H + top) * w_.W * w_.C, pixels * w_.W * w_.C);
  }

  void add_block(const Block& block, Range rows, T* sums, Ahead& ahead) const {
    const T* dy = dy_ + block.images.first * w_.out_h() * w_.out_w() * Co_;
    const T* x = x_ + block.images.first * w_.H * w_.W * w_.C;
    std::vector<TileStep> steps;
    for (int64_t tap = 0; tap < w_.rows.kernel * w_.columns.kernel; ++tap) {
      find_steps(block, tap / w_.columns.kernel, tap % w_.columns.kernel, steps);
      const int64_t count = int64_t(steps.size());
      for (int64_t p = 0; p < panels_.count(); ++p)
        for (int64_t k = 0; k < count; k += most_steps)
          add_tiles(rows, dy,
                    {.vectors = int(panels_.width(p) / panels_.lanes),
                     .k = std::min(most_steps, count - k),
                     .steps = steps.data() + k,
                     .b = x + p * panels_.widest,
                     .accumulate = true},
                    sums + tap * w_.C + p * panels_.widest, ahead);
    }
  }

  void add_tiles(Range rows, const T* dy, Tile<T> tile, T* sums, Ahead& ahead) const {
    for (int64_t o = rows.first; o < rows.last; o += tile_rows) {
      tile.rows = int(std::min<int64_t>(tile_rows, rows.last - o));
      for (int r = 0; r < tile.rows; ++r) {
        tile.a[r] = dy + o + r;
        tile.c[r] = sums + (o + r) * w_.patch();
      }
      tile.ahead = ahead.next(tile.k);
      kernel_.run(tile);
    }
  }

  const TileKernel<T>& kernel_ = tile_kernel<T>();
  AnyWindow w_;
  int64_t Co_;
  Span<const T> x_, dy_;
  Panels panels_;  // of the channels at a tap
  std::vector<Block> blocks_;
  int64_t slabs_, cuts_, rows_;  // rows: output channels in a cut
};

}  // namespace

template <class T>
void conv_tiled_backward_weight(Cpu& here, const AnyConv& c, Span<const T> x, Span<const T> dy,
                                Span<T> dweight, const Allocate& allocate) {
  const trace::Timed timed(
      {.name = "conv_tiled_backward_weight", .bytes = trace::bytes_of_all(x, dy, dweight)});
  const int threads = threads_for(here, c);
  const AnyWindow& w = c.window;
  // Vectors hold channels of one tap: only whole ones.
  if (w.C % tile_kernel<T>().lanes == 0 &&
      (w.rows.kernel * w.columns.kernel > 1 || c.out_channels <= w.C))
    ByTaps<T>(c, x, dy).run(threads, dweight, allocate);
  else
    patch_backward_weight(c, threads, x, dy, dweight, allocate);
}

#define INSTANTIATE(T)                                                                         \
  template void conv_tiled_backward_weight(Cpu&, const AnyConv&, Span<const T>, Span<const T>, \
                                           Span<T>, const Allocate&);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace tweed
