#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// y[i] = a[i] + b[i], for vectors of equal length.
template <class M>
void add(M& here, Span<const float> a, Span<const float> b, Span<float> y);

}  // namespace tweed::exercise
