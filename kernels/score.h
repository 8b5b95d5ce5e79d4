// Sums that a training run keeps about its batches, on the device.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// totals[0] += loss[0] * n, totals[1] += samples of rank 0, totals[2] += samples of a rank below
/// 5, totals[3] += n.
///
/// @param ranks  (n), the place of the true class among the logits, from 0
template <class M, class T>
void add_score(M&, Span<const T> loss, Span<const int32_t> ranks, Span<double> totals);

}  // namespace tweed
