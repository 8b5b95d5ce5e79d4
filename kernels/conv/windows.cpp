#include "kernels/conv/windows.h"

namespace tweed {
namespace {

Axis forward_axis(const WindowAxis& w, int64_t size) {
  Axis axis{w.out(size), w.stride, 0, 1, {}};
  for (int64_t k = 0; k < w.kernel; ++k) axis.taps.push_back({k, w.pixel(0, k)});
  return axis;
}

// Taps in the order of the pixels of dz, so that neighbours in a row follow each other.
Axis backward_axis(const WindowAxis& w, int64_t size, int64_t first) {
  Axis axis{(size - first + w.stride - 1) / w.stride, 1, first, w.stride, {}};
  for (int64_t k = w.kernel - 1; k >= 0; --k) {
    const int64_t apart = first - w.pixel(0, k);
    if (apart % w.stride == 0) axis.taps.push_back({k, apart / w.stride});
  }
  return axis;
}

Reach reach_of(const std::vector<Phase>& phases, Axis Phase::*axis) {
  Reach reach;
  bool none = true;
  for (const Phase& phase : phases)
    for (const Tap& tap : (phase.*axis).taps) {
      reach.least = none ? tap.shift : std::min(reach.least, tap.shift);
      reach.most = none ? tap.shift : std::max(reach.most, tap.shift);
      none = false;
    }
  return reach;
}
Windows with_reach(Windows w) {
  w.down = reach_of(w.phases, &Phase::rows);
  w.across = reach_of(w.phases, &Phase::columns);
  return w;
}

}  // namespace

Windows Windows::forward(const AnyConv& c) {
  const AnyWindow& w = c.window;
  Windows all{w.N, w.H, w.W, w.C, w.out_h(), w.out_w(), c.out_channels, {}};
  all.phases.push_back({forward_axis(w.rows, w.H), forward_axis(w.columns, w.W)});
  return with_reach(all);
}

Windows Windows::backward_input(const AnyConv& c) {
  const AnyWindow& w = c.window;
  Windows all{w.N, w.out_h(), w.out_w(), c.out_channels, w.H, w.W, w.C, {}};
  for (int64_t h = 0; h < std::min(w.rows.stride, w.H); ++h)
    for (int64_t v = 0; v < std::min(w.columns.stride, w.W); ++v)
      all.phases.push_back({backward_axis(w.rows, w.H, h), backward_axis(w.columns, w.W, v)});
  return with_reach(all);
}

std::vector<Block> blocks_of(const Windows& w, int64_t elements) {
  auto band = [&](int64_t rows) {
    const BandShape shape(w, rows);
    return shape.rows * shape.columns * std::max<int64_t>(1, w.C);
  };
  auto parts = [](int64_t n, int64_t most) { return (n + most - 1) / most; };
  const int64_t images = std::clamp<int64_t>(elements / band(w.rows()), 1, w.N);
  int64_t rows = w.rows();
  while (rows > 1 && band(rows) > elements) rows = (rows + 1) / 2;
  rows = parts(w.rows(), parts(w.rows(), rows));  // even pieces
  std::vector<Block> blocks;
  for (int64_t n = 0; n < w.N; n += images)
    for (int64_t r = 0; r < w.rows(); r += rows)
      blocks.push_back({{n, std::min(n + images, w.N)}, {r, std::min(r + rows, w.rows())}});
  return blocks;
}

std::vector<int32_t> patch_offsets(const Windows& w, const Phase& phase, int64_t band_row) {
  std::vector<int32_t> offsets;
  offsets.reserve(std::size_t(phase.taps() * w.C));
  for (const Tap& r : phase.rows.taps)
    for (const Tap& c : phase.columns.taps)
      for (int64_t i = 0; i < w.C; ++i)
        offsets.push_back(
            int32_t((r.shift - w.down.least) * band_row + (c.shift - w.across.least) * w.C + i));
  return offsets;
}

}  // namespace tweed
