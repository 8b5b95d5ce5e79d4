// Where the largest elements stand.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// The `k` largest elements of each row and their places, in order; of equals the earlier first,
/// NaN before all. Passes k times over a row, which suits a small k.
///
/// @param x               (rows, columns), columns >= k
/// @param values, places  (rows, k)
template <class M, class T>
void top_k_forward(M&, int64_t rows, int64_t k, Span<const T> x, Span<T> values,
                   Span<int32_t> places);
/// dx[row, places[row, j]] = dy[row, j], and 0 elsewhere.
template <class M, class T>
void top_k_backward(M&, int64_t rows, int64_t k, Span<const int32_t> places, Span<const T> dy,
                    Span<T> dx);

/// place[o, i] = the first r of the largest x[o, r, i], or of the smallest; a NaN is both.
/// @param x  (outer, reduce, inner), reduce >= 1    @param place  (outer, inner)
template <class M, class T>
void arg_extreme(M&, bool largest, int64_t outer, int64_t inner, Span<const T> x,
                 Span<int32_t> place);

}  // namespace tweed
