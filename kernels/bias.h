// What surrounds the matrix product of a convolution or linear layer: bias and activation.
#pragma once
#include "kernels/activation.h"
#include "kernels/machine/machine.h"

namespace tweed {

/// y = activation(y + bias) in place, for rows of C channels.
/// @param y     (rows, C)
/// @param bias  (C), or empty for none
template <class M, class T>
void bias_forward(M&, Activation, int64_t rows, Span<const T> bias, Span<T> y);

/// The pieces into which bias_backward cuts rows of C channels, so that its sums depend on shapes
/// alone: enough for all multiprocessors, none so small that joining them costs.
constexpr int64_t bias_slabs(int64_t rows, int64_t C) {
  const int64_t slabs = ceil_div(rows * C, 16384), enough = ceil_div(rows, 16);
  const int64_t most = enough < 1024 ? enough : 1024;
  return slabs < most ? slabs : most;
}

/// The backward pass of activation and bias, in one pass over the data.
///
///   dz = dy where y > 0 or y is NaN, else 0 (relu);   dbias = sum of dz over rows
///
/// @param dy       (rows, C); empty for relu in place, where dz holds it
/// @param y        (rows, C), the result; read for relu only
/// @param dz       (rows, C), written for relu only (without activation it equals dy)
/// @param dbias    (C), or empty if nobody wants it
/// @param partial  (bias_slabs(rows, C), C), scratch; empty if dbias is
template <class M, class T>
void bias_backward(M&, Activation, int64_t rows, Span<const T> dy, Span<const T> y, Span<T> dz,
                   Span<T> dbias, Span<acc_t<T>> partial);

}  // namespace tweed
