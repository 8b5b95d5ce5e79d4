// Copies that only move elements: permutations, parts of arrays, reversals.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// An axis of a copy: how many elements, and how far apart they lie in x and in y.
struct CopyAxis {
  int64_t size, x_stride, y_stride;
};

/// The element of x at x_offset + sum of index * x_stride goes to y at y_offset + sum of index *
/// y_stride, for every index along every axis.
struct StridedCopy {
  static constexpr int max_axes = 8;
  int64_t x_offset = 0, y_offset = 0;
  int count = 0;
  CopyAxis axis[max_axes] = {};

  /// Adds an axis inside those there are. Axes that can be walked as one become one.
  constexpr void add(const CopyAxis& a) {
    if (a.size == 1) return;
    CopyAxis& outer = axis[count ? count - 1 : 0];
    if (count && outer.x_stride == a.size * a.x_stride && outer.y_stride == a.size * a.y_stride)
      outer = {outer.size * a.size, a.x_stride, a.y_stride};
    else
      axis[count++] = a;
  }
};

/// Each element of y is written at most once; those that the copy passes over stay as they are.
template <class M, class T>
void copy_strided(M&, const StridedCopy&, Span<const T> x, Span<T> y);

}  // namespace tweed
