// Pooling windows over images.
#pragma once
#include "kernels/activation.h"
#include "kernels/machine/machine.h"
#include "kernels/window.h"

namespace tweed {

/// One axis of a pool: which of its `size` pixels each of `out` windows covers. Windows slide, or
/// (those of kernel 0) are adaptive: window o is [o size / out, (o + 1) size / out), rounded
/// outwards.
struct PoolAxis {
  int64_t size, out;
  WindowAxis slides = {.kernel = 0};
  bool count_padding = true;  ///< whether padding counts in an average's divisor

  TWEED_INLINE bool is_adaptive() const { return !slides.kernel; }
  /// The pixel under a window's first tap; it may lie before the image.
  TWEED_INLINE int64_t first(int64_t o) const {
    return is_adaptive() ? o * size / out : slides.pixel(o, 0);
  }
  TWEED_INLINE int64_t step() const { return is_adaptive() ? 1 : slides.dilation; }
  /// The most pixels that a window has.
  TWEED_INLINE int64_t taps() const {
    return is_adaptive() ? (size + out - 1) / out + 1 : slides.kernel;
  }
  /// The pixels of window o: every step()-th of these.
  TWEED_INLINE Range window(int64_t o) const {
    if (is_adaptive()) return {first(o), ((o + 1) * size + out - 1) / out};
    const int64_t from = first(o), last = from + slides.span(), d = slides.dilation;
    return {from < 0 ? from + (d - 1 - from) / d * d : from, last < size ? last : size};
  }
  /// Which tap of window o is on pixel i that it covers; negative if none is.
  TWEED_INLINE int64_t tap(int64_t o, int64_t i) const {
    const int64_t at = i - first(o), d = step();
    return at % d ? -1 : at / d;
  }
  /// This axis's factor of the divisor. What ceil mode adds beyond the padding never counts.
  TWEED_INLINE int64_t count(int64_t o) const {
    const Range inside = window(o);
    if (is_adaptive() || !count_padding) return inside.last - inside.first;
    const int64_t rest = size + slides.after - first(o);
    return slides.kernel < rest ? slides.kernel : rest;
  }
  /// The windows that cover pixel i, some of which, where there is a dilation, have no tap on it.
  TWEED_INLINE Range covering(int64_t i) const {
    if (is_adaptive()) return {i * out / size, ((i + 1) * out + size - 1) / size};
    return slides.covering(i, out);
  }
};

/// Images (N, rows.size, columns.size, C), and the windows on them.
struct PoolWindows {
  int64_t N, C;
  PoolAxis rows, columns;

  TWEED_INLINE int64_t places() const { return N * rows.out * columns.out; }
  TWEED_INLINE int64_t pixels() const { return N * rows.size * columns.size; }
  /// The most pixels that a window has.
  TWEED_INLINE int64_t taps() const { return rows.taps() * columns.taps(); }
  /// The sliding windows of a pool that is not adaptive.
  TWEED_INLINE AnyWindow sliding() const {
    return {N, rows.size, columns.size, C, rows.slides, columns.slides};
  }
};

/// The largest number of taps that a winner of type I can be one of: its last value says that there
/// is none, which is so where all taps of a dilated window lie outside.
template <class I>
constexpr int64_t most_taps = sizeof(I) == 1 ? 255 : int64_t(1) << 31;
/// The winner of a window of so many taps whose maximum a ReLU made 0: no tap gets its gradient.
/// (Where taps are few, some kernels compare in the lower seven bits.)
template <class I>
TWEED_INLINE constexpr I no_tap(int64_t taps) {
  return I(taps < 127 ? 127 : -1);
}

/// y = the largest value of each window, NaN if there is one; outside counts as minus infinity.
/// With a ReLU y is 0 where that is not positive.
///
/// @param x       (N, rows.size, columns.size, C)
/// @param y       (places, C)
/// @param winner  uint8 or int32 (places, C): the tap that won, row by row, the first of equals.
///                At most most_taps of a window; no_tap() where a ReLU made y 0
template <class M, class T, class I>
void max_pool_forward(M&, const PoolWindows&, Activation, Span<const T> x, Span<T> y,
                      Span<I> winner);

/// Each pixel gathers dy from the windows that it has won.
template <class M, class T, class I>
void max_pool_backward(M&, const PoolWindows&, Span<const T> dy, Span<const I> winner, Span<T> dx);

/// y = the sum of each window / its divisor, the product of both axes' counts. No dilation.
///
/// @param x  (N, rows.size, columns.size, C)
/// @param y  (N, rows.out, columns.out, C)
template <class M, class T>
void avg_pool_forward(M&, const PoolWindows&, Span<const T> x, Span<T> y);
template <class M, class T>
void avg_pool_backward(M&, const PoolWindows&, Span<const T> dy, Span<T> dx);

}  // namespace tweed
