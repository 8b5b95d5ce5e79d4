#include "data/tiny_places/noise.h"

#include <algorithm>

namespace tweed::scenes {

// Value noise: random numbers on grids of 4, 8, ... 128 cells, smoothly joined; finer ones weaker.
Noise::Noise() {
  cells_.fill(0);
  float amplitude = 1;
  for (int grid = 4; grid <= 128; grid *= 2, amplitude *= 0.55f) {
    auto value = [&](int x, int y) {
      return hash01(x % grid, y % grid, uint32_t(grid)) * amplitude;
    };
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x) {
        float u = float(x * grid) / kSide, v = float(y * grid) / kSide;
        int i = int(u), j = int(v);
        float s = u - float(i), t = v - float(j);
        s = s * s * (3 - 2 * s);
        t = t * t * (3 - 2 * t);
        float top = value(i, j) + (value(i + 1, j) - value(i, j)) * s;
        float bottom = value(i, j + 1) + (value(i + 1, j + 1) - value(i, j + 1)) * s;
        cells_[static_cast<std::size_t>(y * kSide + x)] += top + (bottom - top) * t;
      }
  }
  auto [low, high] = std::minmax_element(cells_.begin(), cells_.end());
  float least = *low, range = *high - *low;
  for (float& v : cells_) v = (v - least) / range;
}

const Noise& noise() {
  static const Noise table;
  return table;
}

}  // namespace tweed::scenes
