// How the shapes of operands meet: aligned at their last axes, where a size of 1 or a missing axis
// is repeated.
#pragma once
#include <algorithm>

#include "autograd/graph.h"
#include "kernels/elementwise.h"

namespace tweed {

/// @throws ShapeError  "[add] shapes (2, 3) and (4)"
inline Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  Shape result = a.ndim() >= b.ndim() ? a : b;
  const Shape& other = a.ndim() >= b.ndim() ? b : a;
  for (int i = 1; i <= other.ndim(); ++i) {
    if (result[-i] != other[-i] && result[-i] != 1 && other[-i] != 1)
      fail(op, "shapes ", a, " and ", b);
    if (result[-i] == 1) result.set(-i, other[-i]);
  }
  return result;
}

/// Sees `small` against `large` as (outer, 1, inner) against (outer, middle, inner); false if the
/// axes along which it is repeated are not neighbours.
inline bool fits(const Shape& large, const Shape& small, Broadcast& view) {
  auto size = [&](int axis) {
    const int i = axis - (large.ndim() - small.ndim());
    return i < 0 ? 1 : small[i];
  };
  int first = large.ndim(), last = 0;  // of the repeated axes
  for (int i = 0; i < large.ndim(); ++i)
    if (size(i) != large[i]) {
      first = std::min(first, i);
      last = i + 1;
    }
  for (int i = first; i < last; ++i)
    if (size(i) != 1) return false;
  if (first > last) first = last;
  view = {large.product(0, first), large.product(first, last), large.product(last, large.ndim())};
  return true;
}

}  // namespace tweed
