#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// The largest number of each row, of at most 32: a block of one warp, 32 threads, for each.
template <class M>
void row_maxima(M& here, int columns, Span<const float> x, Span<float> largest);

}  // namespace tweed::exercise
