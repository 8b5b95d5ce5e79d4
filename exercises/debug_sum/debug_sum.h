#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// Running sums within each block of 128 numbers: y[i] = x[first of the block] + ... + x[i].
template <class M>
void running_sums(M& here, Span<const float> x, Span<float> y);

}  // namespace tweed::exercise
