#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// y[b] = the sum of x[256 b .. 256 b + 255]: a block of 256 threads for each. x.size() is a
/// multiple of 256.
template <class M>
void reduce(M& here, Span<const float> x, Span<float> y);

}  // namespace tweed::exercise
