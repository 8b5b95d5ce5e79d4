#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// Each block of 128 numbers the other way round, by 32 threads.
template <class M>
void turned_round(M& here, Span<const float> x, Span<float> y);

}  // namespace tweed::exercise
