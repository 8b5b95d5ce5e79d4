// Images read between their pixels, by bilinear interpolation.
#pragma once
#include "kernels/machine/machine.h"
#include "kernels/window.h"

namespace tweed {

/// One axis of a resize: `out` places spread over `size` pixels, pixel centres at halves.
struct ResizeAxis {
  int64_t size, out;
  double scale = double(size) / double(out);

  /// Between which pixels place o lies: at low + weight, in pixels.
  struct Between {
    int64_t low, high;
    double weight;  ///< of `high`; `low` has the rest
  };
  TWEED_INLINE Between between(int64_t o) const {
    const double at = (double(o) + 0.5) * scale - 0.5;
    const double inside = at < 0 ? 0 : at;
    const int64_t low = int64_t(inside);
    return {low, low + 1 < size ? low + 1 : low, inside - double(low)};
  }
  /// The part that pixel i has in place o.
  TWEED_INLINE double share(int64_t i, int64_t o) const {
    const Between b = between(o);
    return (b.low == i ? 1 - b.weight : 0) + (b.high == i ? b.weight : 0);
  }
  /// A range with all places that pixel i has a part in, and a few more: those within a pixel of
  /// it.
  TWEED_INLINE Range near(int64_t i) const {
    const int64_t first = ((2 * i - 1) * out - size) / (2 * size);
    const int64_t last = ((2 * i + 3) * out - size) / (2 * size) + 2;
    return {first < 0 ? 0 : first, last < out ? last : out};
  }
};
struct Resize {
  int64_t N, C;
  ResizeAxis rows, columns;
};

/// @param x  (N, rows.size, columns.size, C)
/// @param y  (N, rows.out, columns.out, C)
template <class M, class T>
void resize_forward(M&, const Resize&, Span<const T> x, Span<T> y);
template <class M, class T>
void resize_backward(M&, const Resize&, Span<const T> dy, Span<T> dx);

/// A turn of images (N, H, W, C) about their centre: the pixel at (row, column) of the result shows
/// the point (sin * column + cos * row, cos * column - sin * row) of x, all counted from the
/// centre, or 0 outside.
struct Rotation {
  int64_t N, H, W, C;
  double cos, sin;

  struct Point {
    double row, column;
  };
  TWEED_INLINE Point centre() const { return {double(H - 1) / 2, double(W - 1) / 2}; }
  /// The point of x that is shown at (h, v).
  TWEED_INLINE Point source(int64_t h, int64_t v) const {
    const double row = double(h) - centre().row, column = double(v) - centre().column;
    return {centre().row + sin * column + cos * row, centre().column + cos * column - sin * row};
  }
  /// The point of the result where pixel (h, v) of x is shown.
  TWEED_INLINE Point target(int64_t h, int64_t v) const {
    return Rotation{N, H, W, C, cos, -sin}.source(h, v);
  }
};

template <class M, class T>
void rotate_forward(M&, const Rotation&, Span<const T> x, Span<T> y);
template <class M, class T>
void rotate_backward(M&, const Rotation&, Span<const T> dy, Span<T> dx);

}  // namespace tweed
