// Forward pass and input gradient: rows of windows times panels of filters.
//
//                              panel of 64 filters
//                             +--------+
//                           k |        |   packed once, read by all threads
//      band of the image      |        |
//     +---------------+       +--------+
//     | . . . . . . . |
//     | .[w0 w1 .. w5]| ----> 6 x 64 sums, written to y after 256 steps of k and
//     | . . . . . . . |       taken up again for the next 256, while the panel's
//     +---------------+       part stays in the cache for all windows of the band
#include "kernels/conv/tiled.h"

#include <tuple>

#include "kernels/conv/tiled_parts.h"
#include "kernels/machine/trace.h"

namespace tweed {
namespace {

using namespace tiled;

// The filters of one phase as panels [panel][k][column], and the steps that walk them.
template <class T>
struct Filters {
  const T* packed;
  std::vector<int32_t> offsets;  // of the taps in a band
  int64_t k() const { return int64_t(offsets.size()); }
  const T* panel(const Panels& p, int64_t i) const { return packed + i * p.widest * k(); }
  // Steps of k through a panel of a width, from its beginning or any later multiple of most_steps.
  std::vector<TileStep> steps(int64_t width) const {
    std::vector<TileStep> all;
    for (int64_t i = 0; i < k(); ++i)
      all.push_back({offsets[std::size_t(i)], int32_t(i % most_steps * width)});
    return all;
  }
};

// Columns are output channels: neighbours in memory are the K K Ci numbers of a filter.
template <class T>
void pack_forward(const AnyConv& c, const Panels& p, int64_t panel, const T* weight, T* to) {
  const int64_t k = c.window.patch(), width = p.width(panel), used = p.used(panel);
  const T* from = weight + panel * p.widest * k;
  for (int64_t i = 0; i < k; ++i, to += width)
    for (int64_t n = 0; n < width; ++n) to[n] = n < used ? from[n * k + i] : T(0);
}
// Where the Ci weights of an output channel's filter at a tap begin.
int64_t filter_place(const AnyConv& c, int64_t o, const Tap& row, const Tap& column) {
  const auto& [rows, columns] = std::tie(c.window.rows, c.window.columns);
  return ((o * rows.kernel + row.filter) * columns.kernel + column.filter) * c.window.C;
}
// Columns are input channels, steps the phase's taps and in each the output channels.
template <class T>
void pack_backward(const AnyConv& c, const Phase& phase, const Panels& p, int64_t panel,
                   const T* weight, T* to) {
  const int64_t width = p.width(panel), used = p.used(panel);
  for (const Tap& row : phase.rows.taps)
    for (const Tap& column : phase.columns.taps)
      for (int64_t o = 0; o < c.out_channels; ++o, to += width) {
        const T* from = weight + filter_place(c, o, row, column) + panel * p.widest;
        std::copy_n(from, used, to);
        std::fill(to + used, to + width, T(0));
      }
}

// Everything that the tiles of a pass share.
template <class T>
struct Work {
  const TileKernel<T>& kernel;
  const Windows& windows;
  Panels panels;
  const T* bias;  // as wide as the panels, or null
  bool relu;
  T* y;
};

// All windows of a block and phase, six at a time, over one part of k and one panel.
template <class T>
class TileRow {
 public:
  TileRow(const Work<T>& work, int64_t panel, const T* b, const TileStep* steps, int64_t k,
          bool first, bool last)
      : work_(work),
        panel_(panel),
        used_(work.panels.used(panel)),
        width_(work.panels.width(panel)) {
    tile_.vectors = int(width_ / work.panels.lanes);
    tile_.rows = 0;
    tile_.k = k;
    tile_.steps = steps;
    tile_.b = b;
    tile_.start = first && work.bias ? work.bias + panel * work.panels.widest : nullptr;
    tile_.accumulate = !first;
    tile_.relu = last && work.relu;
  }
  void add(const T* a, int64_t result) {
    tile_.a[tile_.rows] = a;
    to_[tile_.rows] = work_.y + result + panel_ * work_.panels.widest;
    if (++tile_.rows == tile_rows) flush();
  }
  void flush() {
    if (tile_.rows == 0) return;
    const bool whole = used_ == width_;
    for (int r = 0; r < tile_.rows; ++r) tile_.c[r] = whole ? to_[r] : beside_ + r * width_;
    if (!whole && tile_.accumulate)
      for (int r = 0; r < tile_.rows; ++r) std::copy_n(to_[r], used_, tile_.c[r]);
    work_.kernel.run(tile_);
    if (!whole)
      for (int r = 0; r < tile_.rows; ++r) std::copy_n(tile_.c[r], used_, to_[r]);
    tile_.rows = 0;
  }

 private:
  static constexpr int widest = 64;
  const Work<T>& work_;
  int64_t panel_, used_, width_;
  Tile<T> tile_;
  T* to_[tile_rows];
  alignas(64) T beside_[tile_rows * widest] = {};  // where a row would reach into the next result
};

template <class T>
void multiply(const Work<T>& work, const Phase& phase, const Filters<T>& filters,
              const std::vector<TileStep>* steps, const Block& block, const Band<T>& band,
              Range panels) {
  const Places places(work.windows, phase, block);
  const int64_t k = filters.k();
  for (int64_t panel = panels.first; panel < panels.last; ++panel) {
    const int64_t width = work.panels.width(panel);
    const auto& table = steps[width == work.panels.widest ? 0 : 1];
    for (int64_t first = 0; first == 0 || first < k; first += most_steps) {
      const int64_t last = std::min(first + most_steps, k);
      TileRow<T> row(work, panel, filters.panel(work.panels, panel) + first * width,
                     table.data() + first, last - first, first == 0, last == k);
      places.each(band, [&](int64_t from, int64_t to) { row.add(band.data + from, to); });
      row.flush();
    }
  }
}

template <class T, class Pack>
void convolve(Cpu& here, const AnyConv& c, const Windows& windows, bool relu, const T* source,
              Span<const T> bias, T* y, Pack pack, const Allocate& allocate) {
  const TileKernel<T>& kernel = tile_kernel<T>();
  const Panels panels(windows.out_channels, kernel);
  const int threads = threads_for(here, c);
  const auto blocks = blocks_of(windows, block_bytes / int64_t(sizeof(T)));
  const BandShape band(windows, blocks[0].rows.last - blocks[0].rows.first);
  const int64_t band_row = (band.inside ? windows.W : band.columns) * windows.C;

  std::vector<Filters<T>> filters;
  std::vector<std::vector<TileStep>> steps;  // of each phase, for panels of both widths
  for (const Phase& phase : windows.phases) {
    filters.push_back({nullptr, patch_offsets(windows, phase, band_row)});
    for (int64_t width : {panels.widest, panels.width(panels.count() - 1)})
      steps.push_back(filters.back().steps(width));
    T* packed = numbers<T>(allocate, panels.padded() * filters.back().k());
    filters.back().packed = packed;
    for_tasks(panels.count(), threads, [&](int64_t panel, int) {
      pack(phase, panels, panel, packed + panel * panels.widest * filters.back().k());
    });
  }

  T* padded_bias = nullptr;
  if (bias.size()) {
    padded_bias = numbers<T>(allocate, panels.padded());
    std::fill(std::copy_n(bias.data(), bias.size(), padded_bias), padded_bias + panels.padded(),
              T(0));
  }
  const Work<T> work{kernel, windows, panels, padded_bias, relu, y};
  const int64_t images = blocks[0].images.last - blocks[0].images.first;
  const int64_t band_size = band.inside ? 0 : images * band.rows * band_row;
  T* bands = numbers<T>(allocate, threads * (band_size + 16));
  // Few blocks are cut again, by panels.
  const int64_t cuts = too_few(int64_t(blocks.size()), threads) ? panels.count() : 1;
  for_tasks(int64_t(blocks.size()) * cuts, threads, [&](int64_t task, int thread) {
    const Block& block = blocks[std::size_t(task / cuts)];
    const Range some = cuts == 1 ? Range{0, panels.count()} : Range{task % cuts, task % cuts + 1};
    const Band<T> b = band_of(windows, block, source, bands + thread * (band_size + 16));
    for (std::size_t i = 0; i < filters.size(); ++i)
      multiply(work, windows.phases[i], filters[i], &steps[2 * i], block, b, some);
  });
}

}  // namespace

template <class T>
void conv_tiled_forward(Cpu& here, const AnyConv& c, Activation activation, Span<const T> x,
                        Span<const T> weight, Span<const T> bias, Span<T> y,
                        const Allocate& allocate) {
  const trace::Timed timed(
      {.name = "conv_tiled_forward", .bytes = trace::bytes_of_all(x, weight, bias, y)});
  auto pack = [&](const Phase&, const Panels& p, int64_t panel, T* to) {
    pack_forward(c, p, panel, weight.data(), to);
  };
  const Windows windows = Windows::forward(c);
  const bool relu = activation == Activation::relu;
  if (has_few_results<T>(windows)) {
    auto filter = [&](const Tap& row, const Tap& column, int64_t i, int64_t o) {
      return weight[filter_place(c, o, row, column) + i];
    };
    return few_results<T>(windows, threads_for(here, c), x, bias, relu, y, filter, allocate);
  }
  convolve<T>(here, c, windows, relu, x, bias, y, pack, allocate);
}

template <class T>
void conv_tiled_backward_input(Cpu& here, const AnyConv& c, Span<const T> dy, Span<const T> weight,
                               Span<T> dx, const Allocate& allocate) {
  const trace::Timed timed(
      {.name = "conv_tiled_backward_input", .bytes = trace::bytes_of_all(dy, weight, dx)});
  auto pack = [&](const Phase& phase, const Panels& p, int64_t panel, T* to) {
    pack_backward(c, phase, p, panel, weight.data(), to);
  };
  if (can_gather<T>(c))
    return gather_backward_input<T>(c, threads_for(here, c), dy, weight, dx, allocate);
  const Windows windows = Windows::backward_input(c);
  if (has_few_results<T>(windows)) {
    auto filter = [&](const Tap& row, const Tap& column, int64_t o, int64_t i) {
      return weight[filter_place(c, o, row, column) + i];
    };
    return few_results<T>(windows, threads_for(here, c), dy, nullptr, false, dx, filter, allocate);
  }
  convolve<T>(here, c, windows, false, dy, {}, dx, pack, allocate);
}

#define INSTANTIATE(T)                                                                             \
  template void conv_tiled_forward(Cpu&, const AnyConv&, Activation, Span<const T>, Span<const T>, \
                                   Span<const T>, Span<T>, const Allocate&);                       \
  template void conv_tiled_backward_input(Cpu&, const AnyConv&, Span<const T>, Span<const T>,      \
                                          Span<T>, const Allocate&);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace tweed
