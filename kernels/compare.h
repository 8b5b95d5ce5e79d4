// Comparisons element by element, whose results are bytes, 1 or 0.
#pragma once
#include "kernels/elementwise.h"

/// X(name, y): y as a formula of a and b. Whatever NaN is compared with, it is not equal.
#define FOR_COMPARISONS(X)       \
  X(equal, a == b)               \
  X(not_equal, a != b)           \
  X(less, a < b)                 \
  X(less_equal, a <= b)          \
  X(greater, a > b)              \
  X(greater_equal, a >= b)       \
  X(both, (a != 0) & (b != 0))   \
  X(either, (a != 0) | (b != 0)) \
  X(one_alone, (a != 0) != (b != 0))

namespace tweed {

#define NAME(name, ...) name,
enum class Compare : uint8_t { FOR_COMPARISONS(NAME) };
#undef NAME

/// The comparison that gives the same for exchanged operands.
constexpr Compare exchanged(Compare f) {
  switch (f) {
    case Compare::less:
      return Compare::greater;
    case Compare::less_equal:
      return Compare::greater_equal;
    case Compare::greater:
      return Compare::less;
    case Compare::greater_equal:
      return Compare::less_equal;
    default:
      return f;
  }
}

/// y = f(a, b), for every dtype. @param a, y  (outer, middle, inner); @param b  (outer, 1, inner)
template <class M, class T>
void compare(M&, Compare f, const Broadcast&, Span<const T> a, Span<const T> b, Span<uint8_t> y);
/// y[i] = f(x[i], p), for every dtype; integers are compared as doubles.
template <class M, class T>
void compare_with(M&, Compare f, double p, Span<const T> x, Span<uint8_t> y);

}  // namespace tweed
