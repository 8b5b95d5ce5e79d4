#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// y = softmax(q k^T / sqrt(32)) v for one head of 32 numbers: q and y have a row of 32 for each
/// query, k and v for each key, at least one. A block of 8 warps, a warp for each query.
template <class M>
void attention(M& here, Span<const float> q, Span<const float> k, Span<const float> v,
               Span<float> y);

}  // namespace tweed::exercise
