#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// c = a b, by tensor cores: one warp, which is a block of 32 threads, for 16 x 8 numbers of c.
/// @param a  (rows, k), rows a multiple of 16, k one of 8
/// @param b  (k, columns), columns a multiple of 8
/// @param c  (rows, columns)
template <class M>
void tensor_core_product(M& here, int rows, int columns, int k, Span<const float> a,
                         Span<const float> b, Span<float> c);

}  // namespace tweed::exercise
