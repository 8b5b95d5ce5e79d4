// Fractal noise, read from a table that is made once.
#pragma once
#include <array>
#include <cmath>

#include "kernels/philox.h"

namespace tweed::scenes {

/// A picture of clouds in [0, 1] with mean about 0.5, the same for all scenes: they look at other
/// places of it, at other scales. It repeats with period 1 in x and y; its features are from 1/4
/// to 1/128 in size.
class Noise {
 public:
  /// Between the cells linearly.
  float operator()(float x, float y) const {
    float u = (x - std::floor(x)) * kSide, v = (y - std::floor(y)) * kSide;
    int i = int(u), j = int(v);
    float s = u - float(i), t = v - float(j);
    int i0 = i & kMask, i1 = (i + 1) & kMask, j0 = (j & kMask) * kSide,
        j1 = ((j + 1) & kMask) * kSide;
    float a = cell(j0 + i0), b = cell(j0 + i1), c = cell(j1 + i0), d = cell(j1 + i1);
    float top = a + (b - a) * s, bottom = c + (d - c) * s;
    return top + (bottom - top) * t;
  }
  /// 1 on creases that run like mountain ridges, falling to 0 beside them.
  float ridge(float x, float y) const { return 1 - std::abs(2 * (*this)(x, y) - 1); }

 private:
  friend const Noise& noise();
  Noise();
  static constexpr int kSide = 256, kMask = kSide - 1;
  float cell(int i) const { return cells_[static_cast<std::size_t>(i)]; }
  std::array<float, kSide * kSide> cells_;
};

const Noise& noise();

/// An independent whole number for a place of a grid, for windows and tiles.
inline uint32_t hash(uint32_t a, uint32_t b, uint32_t c = 0) {
  uint32_t h = a * 0x9E3779B1u ^ (b + 0x7F4A7C15u) * 0x85EBCA77u ^ c * 0xC2B2AE3Du;
  h ^= h >> 15;
  h *= 0x2C1B3C6Du;
  h ^= h >> 12;
  h *= 0x297A2D39u;
  return h ^ h >> 15;
}
inline float hash01(int a, int b, uint32_t c = 0) {
  return uniform_float(hash(uint32_t(a), uint32_t(b), c));
}

}  // namespace tweed::scenes
