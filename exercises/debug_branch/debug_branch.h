#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// y[r] = the largest of row r's `columns` numbers, at most 256; a block of 64 threads a row.
template <class M>
void largest(M& here, int columns, Span<const float> x, Span<float> y);

}  // namespace tweed::exercise
