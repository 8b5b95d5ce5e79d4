// Sums and products along an axis. A thread walks along a line by itself, so sums have the same
// bits everywhere; a GPU has something to do where there are many lines.
#pragma once
#include "kernels/lines/lines.h"
#include "kernels/machine/machine.h"

namespace tweed {

/// y[k] = the sum of x[0] ... x[k] of each line, without x[k] if `exclusive`; `reverse`: from the
/// line's other end.
template <class M, class T>
void cumsum(M&, const Lines&, bool reverse, bool exclusive, Span<const T> x, Span<T> y);

/// The product of each line. @param y  (outer, inner)
template <class M, class T>
void product(M&, const Lines&, Span<const T> x, Span<T> y);
/// dx[k] = dy times the product of the line's other elements, found without dividing: right for
/// zeros, too.
template <class M, class T>
void product_backward(M&, const Lines&, Span<const T> x, Span<const T> dy, Span<T> dx);

}  // namespace tweed
