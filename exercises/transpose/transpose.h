#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// y[j][i] = x[i][j] for a matrix of rows x columns, both multiples of 32. A block of 32 x 8
/// threads for each tile of 32 x 32.
template <class M>
void transpose(M& here, int rows, int columns, Span<const float> x, Span<float> y);

}  // namespace tweed::exercise
