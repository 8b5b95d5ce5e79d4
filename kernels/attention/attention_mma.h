// Attention on tensor cores, for attention.cu: bf16, on `cuda` (sm_80 or later) and `sim`.
#pragma once
#include <initializer_list>

#include "kernels/attention/attention.h"

namespace tweed {

/// Whether it can: whole chunks of 16 bytes, as many heads of keys as of queries, nothing hidden (a
/// product with 0 would let NaN of what is hidden through) and no mask.
template <class M>
bool attention_mma_can(const M&, const AttentionShape&, std::initializer_list<Span<const bf16>>);

/// As attention_forward().
template <class M>
void attention_mma_forward(M&, const AttentionShape&, Span<const bf16> q, Span<const bf16> k,
                           Span<const bf16> v, Span<bf16> y, Span<float> log_sum);
/// As attention_backward(), once dot is known.
template <class M>
void attention_mma_backward(M&, const AttentionShape&, Span<const bf16> q, Span<const bf16> k,
                            Span<const bf16> v, Span<const float> log_sum, Span<const bf16> dy,
                            Span<bf16> dq, Span<bf16> dk, Span<bf16> dv, Span<const float> dot);

}  // namespace tweed
