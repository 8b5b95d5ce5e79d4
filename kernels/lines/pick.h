// Elements picked and placed along an axis by index. Sums add up in the order of the indexes, each
// line by one thread: the same bits on every run.
#pragma once
#include "kernels/lines/lines.h"
#include "kernels/machine/machine.h"

namespace tweed {

/// y[o, m, i] = x[o, index[o, m, i], i]; NaN where the index is out of range.
///
/// @param lines     of x
/// @param index, y  (outer, M, inner)
template <class M, class T>
void gather_along(M&, const Lines& lines, Span<const T> x, Span<const int32_t> index, Span<T> y);

/// y[o, r, i] = x[o, r, i] + the sum of v[o, m, i] over all m with index[o, m, i] == r. An index
/// that is out of range is passed over.
///
/// @param lines  of y
/// @param x      as y, or empty for 0
/// @param sums   as y, scratch
template <class M, class T>
void scatter_add_along(M&, const Lines& lines, Span<const T> x, Span<const int32_t> index,
                       Span<const T> v, Span<acc_t<T>> sums, Span<T> y);

/// last[o, r, i] = the last m with index[o, m, i] == r, or -1. @param lines  of last
template <class M>
void last_along(M&, const Lines& lines, Span<const int32_t> index, Span<int32_t> last);
/// y[o, r, i] = v[o, last[o, r, i], i], or x[o, r, i] where last is -1; an empty x stands for
/// zeros.
/// @param lines  of y, x, last    @param v  (outer, M, inner)
template <class M, class T>
void scatter_along(M&, const Lines& lines, Span<const int32_t> last, Span<const T> x,
                   Span<const T> v, Span<T> y);
/// Back: dx = dy where last is -1, else 0; dv = dy at the places that last names, else 0. Either
/// may be empty.
template <class M, class T>
void scatter_along_backward(M&, const Lines& lines, Span<const int32_t> last, Span<const T> dy,
                            Span<T> dx, Span<T> dv);

/// y[row, c] = 1 if index[row] is c, else 0. @param y  (rows, classes)
template <class M, class T>
void one_hot(M&, int64_t classes, Span<const int32_t> index, Span<T> y);

}  // namespace tweed
