// Arithmetic element by element.
#pragma once
#include "kernels/formulas.h"
#include "kernels/machine/machine.h"

namespace tweed {

/// y += a * x. x has the type of y, or is float beside bf16.
template <class M, class X, class T>
void axpy(M&, double a, Span<const X> x, Span<T> y);

/// Additions y[i] += x[i] of short vectors, to be made by one kernel: a launch takes longer than
/// each of them. No two y overlap.
template <class T>
struct Additions {
  static constexpr int most = 16;
  static constexpr int64_t longest = 4096;  ///< elements of a vector that is short
  Span<const T> x[most];
  Span<T> y[most];
  int count = 0;
};
template <class M, class T>
void add_all(M&, const Additions<T>&);

/// y[i] = f(x[i], p)
template <class M, class T>
void unary_forward(M&, Unary f, double p, Span<const T> x, Span<T> y);
/// dx[i] = f's gradient at dy[i]; `saved` is what kept_by(f) says, or dy.
template <class M, class T>
void unary_backward(M&, Unary f, double p, Span<const T> saved, Span<const T> dy, Span<T> dx);

/// y[i] = condition[i] ? a[i] : b[i]; an empty a or b stands for zeros.
template <class M, class T>
void select(M&, Span<const uint8_t> condition, Span<const T> a, Span<const T> b, Span<T> y);

/// How the smaller operand b of a binary operation meets the larger one a, seen as (outer, middle,
/// inner): b is (outer, 1, inner). Equal shapes have middle 1, trailing ones outer 1, per-row ones
/// inner 1, scalars both.
struct Broadcast {
  int64_t outer = 1, middle = 1, inner = 1;
};
/// y = f(a, b). @param a, y  (outer, middle, inner); @param b  (outer, 1, inner)
template <class M, class T>
void binary(M&, Binary f, const Broadcast&, Span<const T> a, Span<const T> b, Span<T> y);

}  // namespace tweed
