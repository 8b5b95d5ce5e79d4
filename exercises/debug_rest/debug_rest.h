#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// sums[b] = x[64 b] + ... + x[64 b + 63], as far as there are numbers: one block of 64 threads
/// each.
template <class M>
void block_sums(M& here, Span<const float> x, Span<float> sums);

}  // namespace tweed::exercise
