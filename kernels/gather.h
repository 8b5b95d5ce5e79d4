// Rows picked by index.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// y[m] = x[index[m]] for rows of `width` elements; NaN where the index is out of range.
///
/// @param x      (rows, width)
/// @param index  (M)
/// @param y      (M, width)
template <class M, class T>
void gather_rows_forward(M&, int64_t width, Span<const T> x, Span<const int32_t> index, Span<T> y);

/// dx[r] = the sum of dy[m] over all m with index[m] == r, in the order of m.
///
/// @param first  (rows), scratch
/// @param next   (M), scratch
template <class M, class T>
void gather_rows_backward(M&, int64_t width, Span<const T> dy, Span<const int32_t> index,
                          Span<T> dx, Span<int32_t> first, Span<int32_t> next);

}  // namespace tweed
