// Images at another size by any filter: one axis after the other, each with a table of weights.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// What a place of the result is of the pixels near it. The two nearest ones differ in where they
/// say that pixels lie: at whole numbers, or with their centres at halves.
enum class Filter : int { nearest, nearest_exact, linear, cubic };

/// How one axis of `size` pixels becomes one of `out`.
struct ResizeRule {
  int64_t size, out;
  Filter filter;
  double scale;        ///< pixels of the image per pixel of the result
  bool align_corners;  ///< the first and last pixels of both lie on each other
  bool antialias;  ///< a smaller result is of all pixels, the filter being as wide as that takes

  /// Pixels to each side that a filter with antialias reaches.
  TWEED_INLINE double support() const {
    const double half = filter == Filter::cubic ? 2 : 1;
    return scale > 1 ? half * scale : half;
  }
  /// The most pixels that a place sees.
  TWEED_INLINE int64_t taps() const {
    const int64_t most = antialias                  ? int64_t(support()) * 2 + 3
                         : filter == Filter::cubic  ? 4
                         : filter == Filter::linear ? 2
                                                    : 1;
    return most < size ? most : size;
  }
};

/// The pixels that each place of an axis sees, first[o] to first[o] + taps - 1, and their weights.
/// @param first   (out), never decreasing
/// @param weight  (out, taps)
template <class M, class A>
void resize_table(M&, const ResizeRule&, Span<int32_t> first, Span<A> weight);

/// An axis between others: arrays (outer, size or out, inner).
struct ResizePass {
  int64_t outer, size, out, taps, inner;
};

/// y[n, o, i] = sum over k of weight[o, k] x[n, first[o] + k, i]
template <class M, class T>
void resize_axis_forward(M&, const ResizePass&, Span<const int32_t> first, Span<const T> weight,
                         Span<const T> x, Span<T> y);
/// Each pixel gathers its part of the places that see it.
template <class M, class T>
void resize_axis_backward(M&, const ResizePass&, Span<const int32_t> first, Span<const T> weight,
                          Span<const T> dy, Span<T> dx);

}  // namespace tweed
