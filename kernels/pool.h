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

/// y = the sum of each window / kernel^2; outside counts as 0.
template <class M, class T>
void avg_pool_forward(M&, const Window&, Span<const T> x, Span<T> y);
template <class M, class T>
void avg_pool_backward(M&, const Window&, Span<const T> dy, Span<T> dx);

}  // namespace tweed
