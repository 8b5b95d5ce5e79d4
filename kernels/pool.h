// Pooling windows over images.
#pragma once
#include "kernels/machine/machine.h"
#include "kernels/window.h"

namespace tweed {

/// The largest kernel whose cells a uint8 can number.
constexpr int64_t max_pool_largest_kernel = 15;

/// y = the largest value of each window, NaN if there is one; outside counts as minus infinity.
///
/// @param x       (N, H, W, C)
/// @param y       (places, C)
/// @param winner  (places, C): the cell kh * kernel + kw that won, the first of equals
template <class M, class T>
void max_pool_forward(M&, const Window&, Span<const T> x, Span<T> y, Span<uint8_t> winner);

/// Each pixel gathers dy from the windows that it has won.
template <class M, class T>
void max_pool_backward(M&, const Window&, Span<const T> dy, Span<const uint8_t> winner, Span<T> dx);

/// One axis of an average pool: which of its `size` pixels each of `out` windows covers. Windows
/// slide as in Window, or (kernel 0) are adaptive: window o is [o size / out, (o + 1) size / out),
/// rounded outwards.
struct PoolAxis {
  int64_t size, out;
  int64_t kernel = 0, stride = 1, padding = 0;
  bool count_padding = true;  ///< whether padding counts in the divisor

  TWEED_INLINE Range window(int64_t o) const {
    if (!kernel) return {o * size / out, ((o + 1) * size + out - 1) / out};
    const int64_t first = o * stride - padding, last = first + kernel;
    return {first < 0 ? 0 : first, last < size ? last : size};
  }
  /// This axis's factor of the divisor. What ceil mode adds beyond the padding never counts.
  TWEED_INLINE int64_t count(int64_t o) const {
    const Range inside = window(o);
    if (!kernel || !count_padding) return inside.last - inside.first;
    const int64_t first = o * stride - padding, rest = size + padding - first;
    return kernel < rest ? kernel : rest;
  }
  /// The windows that cover pixel i.
  TWEED_INLINE Range covering(int64_t i) const {
    if (!kernel) return {i * out / size, ((i + 1) * out + size - 1) / size};
    return Window{.kernel = kernel, .stride = stride, .padding = padding}.covering(i, out);
  }
};
struct AvgPool {
  int64_t N, C;
  PoolAxis rows, columns;
};

/// y = the sum of each window / its divisor, the product of both axes' counts.
///
/// @param x  (N, rows.size, columns.size, C)
/// @param y  (N, rows.out, columns.out, C)
template <class M, class T>
void avg_pool_forward(M&, const AvgPool&, Span<const T> x, Span<T> y);
template <class M, class T>
void avg_pool_backward(M&, const AvgPool&, Span<const T> dy, Span<T> dx);

}  // namespace tweed
