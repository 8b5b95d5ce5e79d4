#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// y[i] = x[0] + ... + x[i], in blocks of 256 threads.
/// @param totals  of each block; there are ceil(x.size() / 256)
template <class M>
void scan(M& here, Span<const float> x, Span<float> y, Span<float> totals);

}  // namespace tweed::exercise
