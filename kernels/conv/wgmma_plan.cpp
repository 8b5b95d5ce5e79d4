// What TMA can address, and how products of wgmma are cut. The rules are reasoned, for the 132
// multiprocessors of an H200, which hold one block each.
#include <algorithm>

#include "kernels/conv/wgmma.h"

namespace tweed {
namespace {

constexpr int64_t multiprocessors = 132;

// What a tensor map of four dimensions counts (CUDA's driver API, cuTensorMapEncodeIm2col).
constexpr int most_corner = 127, least_corner = -128, most_step = 8, most_offset = 255;

bool can_place(int first, int count, int step, int size, int taps) {
  const int last = first + (count - 1) * step + 1 - size;
  return first >= least_corner && first <= most_corner && last >= least_corner &&
         last <= most_corner && step <= most_step && taps >= 1 && taps - 1 <= most_offset;
}

}  // namespace

bool wgmma_can(const Slide& s) {
  constexpr int64_t limit = int64_t(1) << 31;
  if (s.rows <= 0 || s.columns <= 0 || s.N == 0) return true;  // nothing to do
  return s.C > 0 && s.C % 8 == 0 && s.channels % 8 == 0 && s.phases == 1 && s.places() < limit &&
         can_place(s.top, s.rows, s.step_h, s.H, s.height) &&
         can_place(s.left, s.columns, s.step_w, s.W, s.width);
}

WgmmaPlan wgmma_plan(const Slide& s) {
  const int64_t down = ceil_div(s.places(), wgmma_rows);
  const bool wide = s.channels > 128 && down * ceil_div(s.channels, 256) >= multiprocessors;
  const int columns = s.channels <= 64 ? 64 : wide ? 256 : 128;
  const int64_t tiles = std::max<int64_t>(1, down * ceil_div(s.channels, columns));
  // Each of at least eight steps: a slice costs a write and a read of the sums.
  const int64_t most = int64_t(s.height) * s.width * ceil_div(s.C, 64) / 8;
  return {columns, std::max<int64_t>(1, std::min(multiprocessors / tiles, most))};
}

WgmmaWeightPlan wgmma_weight_plan(const Slide& s) {
  const int columns = s.C <= 64 ? 64 : 128;
  const int64_t tiles =
      ceil_div(s.channels, wgmma_rows) * s.height * s.width * ceil_div(s.C, columns);
  // Each of at least eight steps of 64 places: a slice costs a write and a read of the sums.
  const int64_t most = std::max<int64_t>(1, ceil_div(s.places(), 64) / 8);
  return {columns, std::clamp<int64_t>(multiprocessors / std::max<int64_t>(tiles, 1), 1, most)};
}

}  // namespace tweed
