#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// Each row of y becomes the softmax of x's. A block of one warp, 32 threads, for each row.
template <class M>
void softmax(M& here, int columns, Span<const float> x, Span<float> y);

}  // namespace tweed::exercise
