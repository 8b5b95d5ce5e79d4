// Dropout whose mask is a function of a key, so that nobody has to store it.
#pragma once
#include "kernels/machine/machine.h"
#include "kernels/philox.h"

namespace tweed {

/// y[i] = x[i] * (u[i] < p ? 0 : 1 / (1 - p)), where u[i] is the key's number i in [0, 1). The way
/// back is the same function of dy. Without x (empty), it is ones.
template <class M, class T>
void dropout(M&, const ClockedKey&, double p, Span<const T> x, Span<T> y);

}  // namespace tweed
