#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// y = x / (1 + exp(-x))
template <class M, class T>
void swish_forward(M&, Span<const T> x, Span<T> y);

/// dx = dy * s * (1 + x * (1 - s)),   s = 1 / (1 + exp(-x))
template <class M, class T>
void swish_backward(M&, Span<const T> x, Span<const T> dy, Span<T> dx);

}  // namespace tweed
