#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// y = (x - mean) / sqrt(variance + eps) * gamma + beta for each row, with its own mean and biased
/// variance. A block of one warp, 32 threads, for each row.
/// @param gamma, beta  (columns)
template <class M>
void layer_norm(M& here, int columns, float eps, Span<const float> x, Span<const float> gamma,
                Span<const float> beta, Span<float> y);

}  // namespace tweed::exercise
