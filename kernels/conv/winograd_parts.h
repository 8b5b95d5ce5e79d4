// What the files of winograd.h share.
#pragma once
#include "kernels/conv/tiled_parts.h"
#include "kernels/conv/winograd.h"
#include "kernels/conv/winograd_transform.h"

namespace tweed::winograd {

using tiled::for_tasks;
using tiled::most_steps;
using tiled::numbers;
using tiled::Panels;
using tiled::too_few;

/// Results along a tile's side: F(4x4) where few of the tiles' results lie outside, else F(2x2).
inline int tile_side(int64_t out_h, int64_t out_w) {
  const auto waste = [&](int64_t m) {
    return double(ceil_div(out_h, m) * ceil_div(out_w, m) * (m + 2) * (m + 2));
  };
  return waste(4) <= waste(2) ? 4 : 2;
}

/// Tiles of m x m results, numbered through all images, row by row.
struct Tiles {
  int64_t m, across, down;
  Tiles(int side, int64_t out_h, int64_t out_w)
      : m(side), across(ceil_div(out_w, m)), down(ceil_div(out_h, m)) {}
  int64_t per_image() const { return across * down; }
};

/// Images that tiles lie on.
template <class T>
struct Images {
  T* data;
  int64_t H, W, C;

  /// Pointers to a channel of side x side pixels of tile `index`, which begin `above` pixels above
  /// and `before` to the left of it; to `outside` where there are none.
  void point(const Tiles& tiles, int64_t index, int64_t side, int64_t above, int64_t before,
             int64_t channel, T* outside, T** to) const {
    const int64_t n = index / tiles.per_image(), place = index % tiles.per_image();
    const int64_t top = place / tiles.across * tiles.m - above;
    const int64_t left = place % tiles.across * tiles.m - before;
    T* const image = data + n * H * W * C + channel;
    for (int64_t h = top; h < top + side; ++h)
      for (int64_t w = left; w < left + side; ++w)
        *to++ = h < 0 || h >= H || w < 0 || w >= W ? outside : image + (h * W + w) * C;
  }
};

/// Elements from one of a tile's numbers to the next, if each has `count` elements: not a power of
/// two, which would put them all into the same few places of the first cache.
inline int64_t apart(int64_t count) { return ceil_div(count, 16) * 16 + 16; }

constexpr int most_numbers = 36;

}  // namespace tweed::winograd
