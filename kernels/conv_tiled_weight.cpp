// Weight gradient: the transposed patches times dy, a product with a small result and long sums.
//
//                            dy, 64 output channels
//      k = the block's      +--------+
//      windows, one after   |        |    packed from dy for the block
//      another              +--------+
//     +----------------+    +--------+
//     |  x, at the tap |    | 6 x 64 |    a row of the tile is a number of the patch: a tap
//     |  (6 of patch)  |    |  sums  |    and a channel, whose pixels under the windows are
//     +----------------+    +--------+    read in the band of the image
//
// The windows are cut into slabs by shape. Each has a whole set of sums; a slab's are added to in
// the order of its blocks, and at the end the slabs in theirs.
#include "kernels/conv_tiled_parts.h"

namespace tweed {
namespace {

using namespace tiled;

// Sums of all slabs stay within 16 MB beside one set of weights; more than 16 gain nothing.
int64_t slabs_for(int64_t blocks, int64_t weights) {
  return std::clamp<int64_t>((int64_t(1) << 22) / std::max<int64_t>(weights, 1), 1,
                             std::min<int64_t>(blocks, 16));
}

template <class T>
class WeightGradient {
 public:
  WeightGradient(const Conv& c, Span<const T> x, Span<const T> dy)
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
    packed_size_ = images * (b.rows.last - b.rows.first) * windows_.columns() * panels_.padded();
  }

  void run(int threads, T* dweight, const Allocate& allocate) {
    const int64_t each = band_size_ + packed_size_;
    T* const scratch = numbers<T>(allocate, threads * each);
    T* const partial = numbers<T>(allocate, slabs_ * sums());
    for_tasks(slabs_ * cuts_, threads, [&](int64_t task, int thread) {
      const int64_t slab = task / cuts_, cut = task % cuts_, n = int64_t(blocks_.size());
      const Range rows{cut * rows_, std::min((cut + 1) * rows_, patch_)};
      const int64_t first = n * slab / slabs_;
      for (int64_t i = first; i < n * (slab + 1) / slabs_; ++i)
        add_block(blocks_[std::size_t(i)], rows, i == first, scratch + thread * each,
                  partial + slab * sums());
    });
    constexpr int64_t some = 16;
    for_tasks(ceil_div(panels_.columns, some), threads, [&](int64_t task, int) {
      add_slabs(partial, {task * some, std::min((task + 1) * some, panels_.columns)}, dweight);
    });
  }

 private:
  int64_t sums() const { return patch_ * panels_.padded(); }
  // So that band and packed dy share the cache: a window needs step^2 pixels and its dy.
  static int64_t band_elements(const Conv& c) {
    const int64_t pixels = c.window.stride * c.window.stride * std::max<int64_t>(1, c.window.C);
    return block_bytes / int64_t(sizeof(T)) * pixels / (pixels + c.out_channels);
  }

  // dy of a block as panels [panel][window][column].
  int64_t pack(const Block& block, T* to) const {
    const int64_t width = windows_.columns() * (block.rows.last - block.rows.first);
    const int64_t count = width * (block.images.last - block.images.first);
    for (int64_t n = block.images.first, at = 0; n < block.images.last; ++n)
      for (int64_t i = 0; i < width; ++i, ++at) {
        const T* from = dy_ + (n * windows_.rows() * windows_.columns() +
                               block.rows.first * windows_.columns() + i) *
                                  panels_.columns;
        for (int64_t p = 0; p < panels_.count(); ++p) {
          T* row = to + p * panels_.widest * count + at * panels_.width(p);
          std::copy_n(from + p * panels_.widest, panels_.used(p), row);
          std::fill(row + panels_.used(p), row + panels_.width(p), T(0));
        }
      }
    return count;
  }

  void add_block(const Block& block, Range rows, bool first, T* scratch, T* sums) const {
    const Band<T> band = band_of(windows_, block, x_.data(), scratch);
    T* const packed = scratch + band_size_;
    const int64_t count = pack(block, packed);
    std::vector<TileStep> steps;
    for (int64_t p = 0; p < panels_.count(); ++p) {
      const int64_t width = panels_.width(p);
      if (p == 0 || width != panels_.width(0)) {
        steps.clear();
        Places(windows_, windows_.phases[0], block).each(band, [&](int64_t from, int64_t) {
          steps.push_back({int32_t(from), int32_t(int64_t(steps.size()) % most_steps * width)});
        });
      }
      for (int64_t k = 0; k < count; k += most_steps)
        add_tiles(rows, band.data,
                  {.vectors = int(width / panels_.lanes),
                   .k = std::min(most_steps, count - k),
                   .steps = steps.data() + k,
                   .b = packed + p * panels_.widest * count + k * width,
                   .accumulate = !first || k > 0},
                  sums + p * panels_.widest);
    }
  }

  void add_tiles(Range rows, const T* band, Tile<T> tile, T* sums) const {
    for (int64_t m = rows.first; m < rows.last; m += tile_rows) {
      tile.rows = int(std::min<int64_t>(tile_rows, rows.last - m));
      for (int r = 0; r < tile.rows; ++r) {
        tile.a[r] = band + offsets_[std::size_t(m + r)];
        tile.c[r] = sums + (m + r) * panels_.padded();
      }
      kernel_.run(tile);
    }
  }

  void add_slabs(const T* partial, Range columns, T* dweight) const {
    for (int64_t m = 0; m < patch_; ++m)
      for (int64_t o = columns.first; o < columns.last; ++o) {
        const T* p = partial + m * panels_.padded() + o;
        T sum = 0;
        for (int64_t slab = 0; slab < slabs_; ++slab) sum += p[slab * sums()];
        dweight[o * patch_ + m] = sum;
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
  int64_t band_size_ = 0, packed_size_ = 0;
};

}  // namespace

template <class T>
void conv_tiled_backward_weight(Cpu& here, const Conv& c, Span<const T> x, Span<const T> dy,
                                Span<T> dweight, const Allocate& allocate) {
  WeightGradient<T>(c, x, dy).run(threads_for(here, c), dweight, allocate);
}

#define INSTANTIATE(T)                                                                      \
  template void conv_tiled_backward_weight(Cpu&, const Conv&, Span<const T>, Span<const T>, \
                                           Span<T>, const Allocate&);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace tweed
