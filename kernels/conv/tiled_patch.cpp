// Weight gradient, with the patch along the tile's rows: the transposed patches times dy.
//
//                            dy, 64 output channels
//      k = the block's      +--------+
//      windows, one after   |        |    read in place, one pixel of dy after another
//      another              +--------+
//     +----------------+    +--------+
//     |  x, at the tap |    | 6 x 64 |    a row of the tile is a number of the patch: a tap
//     |  (6 of patch)  |    |  sums  |    and a channel, whose pixels under the windows are
//     +----------------+    +--------+    read in the band of the image
//
// For few channels, since a tap's 3 would leave most of a vector empty; side by side, the 147
// numbers of a 7x7x3 patch fill rows of tiles. And for 1x1 windows with more channels after than
// before: of the two sides, the one read six numbers at a time should have its pixels close
// together.
#include "kernels/conv/tiled_parts.h"

namespace tweed {
namespace {

using namespace tiled;

template <class T>
class ByPatch {
 public:
  ByPatch(const AnyConv& c, Span<const T> x, Span<const T> dy)
      : windows_(Windows::forward(c)),
        panels_(c.out_channels, kernel_),
        x_(x),
        dy_(dy),
        patch_(c.window.patch()),
        blocks_(blocks_of(windows_, band_elements(c))),
        slabs_(slabs_for(int64_t(blocks_.size()), sums())),
        cuts_(std::min<int64_t>(ceil_div(16, slabs_), ceil_div(patch_, 2 * tile_rows))),
        rows_(ceil_div(ceil_div(patch_, cuts_), tile_rows) * tile_rows) {
    const Block& b = blocks_[0];
    const BandShape band(windows_, b.rows.last - b.rows.first);
    const int64_t images = b.images.last - b.images.first;
    const int64_t row = (band.inside ? windows_.W : band.columns) * windows_.C;
    offsets_ = patch_offsets(windows_, windows_.phases[0], row);
    band_size_ = band.inside ? 0 : ceil_div(images * band.rows * row, 16) * 16;
    rest_size_ = images * (b.rows.last - b.rows.first) * windows_.columns() *
                 panels_.width(panels_.count() - 1);
  }

  void run(int threads, T* dweight, const Allocate& allocate) {
    const int64_t each = band_size_ + rest_size_;
    T* const scratch = numbers<T>(allocate, threads * each);
    T* const partial = numbers<T>(allocate, slabs_ * sums());
    for_tasks(slabs_ * cuts_, threads, [&](int64_t task, int thread) {
      const int64_t slab = task / cuts_, cut = task % cuts_, n = int64_t(blocks_.size());
      const Range rows{cut * rows_, std::min((cut + 1) * rows_, patch_)};
      const int64_t first = n * slab / slabs_;
      const int64_t last = n * (slab + 1) / slabs_;
      for (int64_t i = first; i < last; ++i) {
        Ahead ahead;
        if (i + 1 < last) look_at(blocks_[std::size_t(i + 1)], ahead);
        add_block(blocks_[std::size_t(i)], rows, i == first, scratch + thread * each,
                  partial + slab * sums(), ahead);
      }
    });
    for_tasks(ceil_div(panels_.columns, together), threads, [&](int64_t task, int) {
      add_slabs(partial, {task * together, std::min((task + 1) * together, panels_.columns)},
                dweight);
    });
  }

 private:
  static constexpr int64_t together = 16;  // columns in which slabs are added: a line of the cache
  int64_t sums() const { return patch_ * panels_.padded(); }
  // So that band and dy share the cache: a window needs step^2 pixels and its dy.
  static int64_t band_elements(const AnyConv& c) {
    const int64_t pixels =
        c.window.rows.stride * c.window.columns.stride * std::max<int64_t>(1, c.window.C);
    return 2 * block_bytes / int64_t(sizeof(T)) * pixels / (pixels + c.out_channels);
  }

  // The columns of the last panel, if they do not fill its vectors: [window][column].
  const T* pack_rest(const T* dy, int64_t count, T* to) const {
    const int64_t p = panels_.count() - 1, used = panels_.used(p), width = panels_.width(p);
    const T* from = dy + p * panels_.widest;
    for (int64_t i = 0; i < count; ++i, from += panels_.columns) {
      std::copy_n(from, used, to + i * width);
      std::fill(to + i * width + used, to + (i + 1) * width, T(0));
    }
    return to;
  }

  const T* dy_of(const Block& block) const {
    return dy_ + (block.images.first * windows_.rows() + block.rows.first) * windows_.columns() *
                     panels_.columns;
  }
  // dy; x is an image of few channels or, for 1x1 windows, the smaller of the two.
  void look_at(const Block& block, Ahead& ahead) const {
    ahead.add(dy_of(block), Places(windows_, windows_.phases[0], block).count() * panels_.columns);
  }

  void add_block(const Block& block, Range rows, bool first, T* scratch, T* sums,
                 Ahead& ahead) const {
    const Band<T> band = band_of(windows_, block, x_.data(), scratch);
    std::vector<TileStep> steps;
    Places(windows_, windows_.phases[0], block).each(band, [&](int64_t from, int64_t) {
      steps.push_back({int32_t(from), 0});
    });
    const int64_t count = int64_t(steps.size());
    const T* const dy = dy_of(block);
    for (int64_t p = 0; p < panels_.count(); ++p) {
      const bool whole = panels_.used(p) == panels_.width(p);
      const int64_t apart = whole ? panels_.columns : panels_.width(p);
      const T* b = whole ? dy + p * panels_.widest : pack_rest(dy, count, scratch + band_size_);
      if (p == 0 || !whole)
        for (int64_t i = 0; i < count; ++i)
          steps[std::size_t(i)].b = int32_t(i % most_steps * apart);
      for (int64_t k = 0; k < count; k += most_steps)
        add_tiles(rows, band.data,
                  {.vectors = int(panels_.width(p) / panels_.lanes),
                   .k = std::min(most_steps, count - k),
                   .steps = steps.data() + k,
                   .b = b + k * apart,
                   .accumulate = !first || k > 0},
                  sums + p * panels_.widest, ahead);
    }
  }

  void add_tiles(Range rows, const T* band, Tile<T> tile, T* sums, Ahead& ahead) const {
    for (int64_t m = rows.first; m < rows.last; m += tile_rows) {
      tile.rows = int(std::min<int64_t>(tile_rows, rows.last - m));
      for (int r = 0; r < tile.rows; ++r) {
        tile.a[r] = band + offsets_[std::size_t(m + r)];
        tile.c[r] = sums + (m + r) * panels_.padded();
      }
      tile.ahead = ahead.next(tile.k);
      kernel_.run(tile);
    }
  }

  void add_slabs(const T* partial, Range columns, T* dweight) const {
    const int64_t count = columns.last - columns.first;
    T sum[together];
    for (int64_t m = 0; m < patch_; ++m) {
      const T* p = partial + m * panels_.padded() + columns.first;
      std::copy_n(p, count, sum);
      for (int64_t slab = 1; slab < slabs_; ++slab)
        for (int64_t o = 0; o < count; ++o) sum[o] += p[slab * sums() + o];
      for (int64_t o = 0; o < count; ++o) dweight[(columns.first + o) * patch_ + m] = sum[o];
    }
  }

  const TileKernel<T>& kernel_ = tile_kernel<T>();
  Windows windows_;
  Panels panels_;
  Span<const T> x_, dy_;
  int64_t patch_;
  std::vector<Block> blocks_;
  int64_t slabs_, cuts_, rows_;  // rows of the patch in a cut
  std::vector<int32_t> offsets_;
  int64_t band_size_ = 0, rest_size_ = 0;
};

}  // namespace

namespace tiled {
template <class T>
void patch_backward_weight(const AnyConv& c, int threads, Span<const T> x, Span<const T> dy,
                           Span<T> dweight, const Allocate& allocate) {
  ByPatch<T>(c, x, dy).run(threads, dweight, allocate);
}
#define INSTANTIATE(T)                                                                            \
  template void patch_backward_weight(const AnyConv&, int, Span<const T>, Span<const T>, Span<T>, \
                                      const Allocate&);
INSTANTIATE(float)
INSTANTIATE(double)
}  // namespace tiled

}  // namespace tweed
