// Arithmetic element by element.
#pragma once
#include "kernels/formulas.h"
#include "kernels/machine/machine.h"

namespace tweed {

/// y += a * x.
template <class M, class T>
void axpy(M&, double a, Span<const T> x, Span<T> y);

/// y[i] = f(x[i], p, q)
template <class M, class T>
void unary_forward(M&, Unary f, double p, double q, Span<const T> x, Span<T> y);
/// dx[i] = f's gradient at dy[i]; `saved` is what kept_by(f) says, or dy.
template <class M, class T>
void unary_backward(M&, Unary f, double p, double q, Span<const T> saved, Span<const T> dy,
                    Span<T> dx);

/// How the smaller operand b of a binary operation meets the larger one a, seen as (outer, middle,
/// inner): b is (outer, 1, inner). Equal shapes have middle 1, trailing ones outer 1, per-row ones
/// inner 1, scalars both.
struct Broadcast {
  int64_t outer = 1, middle = 1, inner = 1;
};
/// y = f(a, b). @param a, y  (outer, middle, inner); @param b  (outer, 1, inner)
template <class M, class T>
void binary(M&, Binary f, const Broadcast&, Span<const T> a, Span<const T> b, Span<T> y);

/// y[i] = condition[i] ? a[i] : b[i]
template <class M, class T>
void select(M&, Span<const uint8_t> condition, Span<const T> a, Span<const T> b, Span<T> y);
/// dx[i] = dy[i] where the condition is as wanted, else 0.
template <class M, class T>
void select_backward(M&, Span<const uint8_t> condition, bool wanted, Span<const T> dy, Span<T> dx);

}  // namespace tweed
