// Forward pass and input gradient: blocks of tiles, each by one thread from the images to the
// results.
//
//     pixels              36 numbers a tile             sums                 results
//     +-------+   input   +-----------+  times filter   +-----------+ output +-------+
//     | 6 x 6 |  ------>  | tiles x C |  -----------> > | tiles x 64| -----> | 4 x 4 |
//     +-------+           +-----------+  36 products    +-----------+        +-------+
//
// All of it stays in a core's caches. The filters' 36 numbers are made once a call, and pass
// through the caches once a block.
#include "kernels/conv/winograd.h"

#include "kernels/conv/winograd_parts.h"
#include "kernels/machine/trace.h"

namespace tweed {
namespace {

using namespace winograd;

// The transformed filters as panels of columns: [panel][number][k][column].
template <class T>
struct Filters {
  Panels panels;
  int64_t k;
  T* packed;
  int64_t numbers;

  T* at(int64_t panel, int64_t number) const {
    return packed + numbers * k * panel * panels.widest + number * k * panels.width(panel);
  }
};

// columns(k, tap, first, count, to) copies what filters `first` on have at a tap and a k.
template <class T, class Columns>
Filters<T> transform_filters(const WinogradTransforms<T>& transforms, const Panels& panels,
                             int64_t k, int threads, const Columns& columns,
                             const KeepFilters& keep) {
  const int64_t count = transforms.numbers();
  const int64_t size = std::max<int64_t>(count * k * panels.padded(), 1);
  const FilterMemory memory = keep(&transforms, std::size_t(size) * sizeof(T));
  const Filters<T> filters{panels, k, static_cast<T*>(memory.data), count};
  if (memory.filled) return filters;
  const int64_t pieces = ceil_div(k, 64);
  for_tasks(panels.count() * pieces, threads, [&](int64_t task, int) {
    const int64_t panel = task / pieces, first = task % pieces * 64;
    const int64_t width = panels.width(panel), used = panels.used(panel);
    alignas(64) T taps[9 * 64] = {};
    for (int64_t i = first; i < std::min(first + 64, k); ++i) {
      for (int tap = 0; tap < 9; ++tap)
        columns(i, tap, panel * panels.widest, used, taps + tap * width);
      transforms.filter(taps, width, width, filters.at(panel, 0) + i * width, k * width);
    }
  });
  return filters;
}

// Everything that the blocks of a pass share.
template <class T>
struct Pass {
  const WinogradTransforms<T>& transforms;
  const TileKernel<T>& kernel;
  Tiles tiles;
  Images<const T> images;
  Images<T> results;
  int64_t above, before;  // padding
  int64_t count;          // of tiles
  Filters<T> filters;
  const T* bias;  // or null
  bool relu;
  const T* zeros;                  // C of them
  std::vector<TileStep> steps[2];  // through panels of the widest width and of the last one's
};

// Bytes that a block's numbers may take of a core's second cache, and the panels whose sums are
// there at a time.
constexpr int64_t block_bytes = 512 * 1024;
constexpr int64_t columns_together = 64;

template <class T>
class BlockOfTiles {
 public:
  // Tiles of a block: a multiple of tile_rows.
  static int64_t size(const Pass<T>& p) {
    const int64_t each = p.filters.numbers * p.images.C * int64_t(sizeof(T));
    const int64_t fit = std::clamp<int64_t>(block_bytes / std::max<int64_t>(each, 1), 24, 96);
    return std::min(fit, ceil_div(p.count, tile_rows) * tile_rows) / tile_rows * tile_rows;
  }
  static int64_t scratch(const Pass<T>& p) {
    return p.filters.numbers * (apart(size(p) * p.images.C) + apart(size(p) * chunk(p))) + chunk(p);
  }
  static int64_t chunk(const Pass<T>& p) {
    return std::max(columns_together, p.kernel.columns() + int64_t(0));
  }
  static int64_t chunks(const Pass<T>& p) { return ceil_div(p.filters.panels.columns, chunk(p)); }

  BlockOfTiles(const Pass<T>& p, Range tiles, T* scratch)
      : p_(p),
        tiles_(tiles),
        in_apart_(apart(size(p) * p.images.C)),
        sums_apart_(apart(size(p) * chunk(p))),
        in_(scratch),
        sums_(in_ + p.filters.numbers * in_apart_),
        nowhere_(sums_ + p.filters.numbers * sums_apart_) {}

  void run(Range chunks) {
    const T* pixels[most_numbers];
    const int64_t side = p_.tiles.m + 2, C = p_.images.C;
    for (int64_t t = tiles_.first; t < tiles_.last; ++t) {
      p_.images.point(p_.tiles, t, side, p_.above, p_.before, 0, p_.zeros, pixels);
      p_.transforms.input(pixels, C, in_ + (t - tiles_.first) * C, in_apart_);
    }
    for (int64_t i = chunks.first; i < chunks.last; ++i) {
      const int64_t first = i * chunk(p_);
      multiply(first);
      write(first);
    }
  }

 private:
  // The sums of columns [first, first + chunk).
  void multiply(int64_t first) {
    const Panels& panels = p_.filters.panels;
    const int64_t begin = first / panels.widest;
    const int64_t end = std::min(panels.count(), (first + chunk(p_)) / panels.widest);
    for (int64_t number = 0; number < p_.filters.numbers; ++number)
      for (int64_t panel = begin; panel < end; ++panel)
        multiply(number, panel, (panel - begin) * panels.widest);
  }
  void multiply(int64_t number, int64_t panel, int64_t column) {
    const Panels& panels = p_.filters.panels;
    const int64_t width = panels.width(panel), C = p_.images.C, count = tiles_.last - tiles_.first;
    const auto& steps = p_.steps[width == panels.widest ? 0 : 1];
    for (int64_t k = 0; k == 0 || k < C; k += most_steps) {
      Tile<T> tile{.vectors = int(width / panels.lanes),
                   .k = std::min(most_steps, C - k),
                   .steps = steps.data(),
                   .b = p_.filters.at(panel, number) + k * width,
                   .accumulate = k > 0};
      const T* from = in_ + number * in_apart_ + k;
      T* to = sums_ + number * sums_apart_ + column;
      for (int64_t t = 0; t < count; t += tile_rows) {
        tile.rows = int(std::min<int64_t>(tile_rows, count - t));
        for (int r = 0; r < tile.rows; ++r) {
          tile.a[r] = from + (t + r) * C;
          tile.c[r] = to + (t + r) * chunk(p_);
        }
        p_.kernel.run(tile);
      }
    }
  }
  void write(int64_t first) {
    T* places[most_numbers];
    const int64_t used = std::min(chunk(p_), p_.filters.panels.columns - first);
    const T* bias = p_.bias ? p_.bias + first : nullptr;
    for (int64_t t = tiles_.first; t < tiles_.last; ++t) {
      p_.results.point(p_.tiles, t, p_.tiles.m, 0, 0, first, nowhere_, places);
      p_.transforms.output(sums_ + (t - tiles_.first) * chunk(p_), sums_apart_, used, bias, p_.relu,
                           places);
    }
  }

  const Pass<T>& p_;
  Range tiles_;
  int64_t in_apart_, sums_apart_;
  T *in_, *sums_, *nowhere_;
};

template <class T, class Columns>
void convolve(int threads, int64_t N, const Images<const T>& images, const Images<T>& results,
              int64_t above, int64_t before, const T* bias, bool relu, const Columns& columns,
              const Allocate& allocate, const KeepFilters& keep) {
  const TileKernel<T>& kernel = tile_kernel<T>();
  const int side = tile_side(results.H, results.W);
  const WinogradTransforms<T>& transforms = winograd_transforms<T>(side);
  const Tiles tiles(side, results.H, results.W);
  const Panels panels(results.C, kernel);
  T* const zeros = numbers<T>(allocate, images.C);
  std::fill_n(zeros, images.C, T(0));
  Pass<T> pass{transforms,
               kernel,
               tiles,
               images,
               results,
               above,
               before,
               N * tiles.per_image(),
               transform_filters(transforms, panels, images.C, threads, columns, keep),
               bias,
               relu,
               zeros,
               {}};
  for (int i = 0; i < 2; ++i) {
    const int64_t width = i == 0 ? panels.widest : panels.width(panels.count() - 1);
    for (int64_t k = 0; k < std::min(images.C, most_steps); ++k)
      pass.steps[i].push_back({int32_t(k), int32_t(k * width)});
  }
  using Block = BlockOfTiles<T>;
  const int64_t size = Block::size(pass), blocks = ceil_div(pass.count, size);
  // Few blocks are cut again, by columns.
  const int64_t chunks = Block::chunks(pass), cuts = too_few(blocks, threads) ? chunks : 1;
  T* const scratch = numbers<T>(allocate, threads * Block::scratch(pass));
  for_tasks(blocks * cuts, threads, [&](int64_t task, int thread) {
    const int64_t first = task / cuts * size, cut = task % cuts;
    Block block(pass, {first, std::min(first + size, pass.count)},
                scratch + thread * Block::scratch(pass));
    block.run(cuts == 1 ? Range{0, chunks} : Range{cut, cut + 1});
  });
}

}  // namespace

bool conv_has_winograd(const AnyConv& c) {
  auto fits = [](const WindowAxis& w) { return w.kernel == 3 && w.stride == 1 && w.dilation == 1; };
  return c.groups == 1 && fits(c.window.rows) && fits(c.window.columns);
}

template <class T>
void conv_winograd_forward(Cpu& here, const AnyConv& c, Activation activation, Span<const T> x,
                           Span<const T> weight, Span<const T> bias, Span<T> y,
                           const Allocate& allocate, const KeepFilters& keep) {
  const trace::Timed timed(
      {.name = "conv_winograd_forward", .bytes = trace::bytes_of_all(x, weight, bias, y)});
  const AnyWindow& w = c.window;
  const T* from = weight.data();
  auto columns = [=](int64_t channel, int tap, int64_t first, int64_t count, T* to) {
    const T* p = from + (first * 9 + tap) * w.C + channel;
    for (int64_t i = 0; i < count; ++i) to[i] = p[i * 9 * w.C];
  };
  convolve<T>(tiled::threads_for(here, c), w.N, {x.data(), w.H, w.W, w.C},
              {y.data(), w.out_h(), w.out_w(), c.out_channels}, w.rows.before, w.columns.before,
              bias.size() ? bias.data() : nullptr, activation == Activation::relu, columns,
              allocate, keep);
}

// dx is the convolution of dy with the filters turned by half a turn, padded by what is left of 2.
template <class T>
void conv_winograd_backward_input(Cpu& here, const AnyConv& c, Span<const T> dy,
                                  Span<const T> weight, Span<T> dx, const Allocate& allocate) {
  const trace::Timed timed(
      {.name = "conv_winograd_backward_input", .bytes = trace::bytes_of_all(dy, weight, dx)});
  const AnyWindow& w = c.window;
  const T* from = weight.data();
  auto columns = [=](int64_t channel, int tap, int64_t first, int64_t count, T* to) {
    std::copy_n(from + (channel * 9 + 8 - tap) * w.C + first, count, to);
  };
  convolve<T>(tiled::threads_for(here, c), w.N, {dy.data(), w.out_h(), w.out_w(), c.out_channels},
              {dx.data(), w.H, w.W, w.C}, 2 - w.rows.before, 2 - w.columns.before, nullptr, false,
              columns, allocate, as_scratch(allocate));
}

#define INSTANTIATE(T)                                                                           \
  template void conv_winograd_forward(Cpu&, const AnyConv&, Activation, Span<const T>,           \
                                      Span<const T>, Span<const T>, Span<T>, const Allocate&,    \
                                      const KeepFilters&);                                       \
  template void conv_winograd_backward_input(Cpu&, const AnyConv&, Span<const T>, Span<const T>, \
                                             Span<T>, const Allocate&);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace tweed
