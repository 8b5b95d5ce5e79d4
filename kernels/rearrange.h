// Copies that only move elements: transposition, parts of rows.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// y[b, c, r] = x[b, r, c]. @param x  (batch, rows, columns)
template <class M, class T>
void transpose(M&, int64_t batch, int64_t rows, int64_t columns, Span<const T> x, Span<T> y);

/// Copies `width` elements of each of `rows` rows; rows begin x_stride and y_stride elements apart.
template <class M, class T>
void copy_rows(M&, int64_t rows, int64_t width, Span<const T> x, int64_t x_stride, Span<T> y,
               int64_t y_stride);

}  // namespace tweed
