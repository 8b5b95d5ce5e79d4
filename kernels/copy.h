// Filling and converting.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// y[i] = value, for every dtype.
template <class M, class T>
void fill(M&, Span<T> y, double value);

/// y[i] += by: a counter that recorded work moves on.
template <class M>
void count_up(M&, Span<int32_t> y, int32_t by = 1);

/// y[i] = x[i] converted, for every pair of dtypes. Floating to integer truncates,
/// and float64 becomes float32 on its way to a type of 16 bits.
template <class M, class From, class To>
void convert(M&, Span<const From> x, Span<To> y);

}  // namespace tweed
