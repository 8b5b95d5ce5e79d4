#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// c = a b, for square matrices of n x n, n a multiple of 16. A block of 16 x 16 threads for each
/// tile of c.
template <class M>
void matmul(M& here, int n, Span<const float> a, Span<const float> b, Span<float> c);

}  // namespace tweed::exercise
