#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// y[0] = the sum of the 64 elements of x.
template <class M>
void sum_with_barrier(M& here, Span<const float> x, Span<float> y);
/// The same without the barrier between the steps: right by luck, if at all.
template <class M>
void sum_without_barrier(M& here, Span<const float> x, Span<float> y);

}  // namespace tweed
