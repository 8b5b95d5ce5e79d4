#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// y[i] = the mean of x[i - 1], x[i] and x[i + 1]; at both ends, of the two that there are.
template <class M>
void smooth(M& here, Span<const float> x, Span<float> y);

}  // namespace tweed::exercise
