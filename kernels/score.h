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

/// What a step came to, as a row of `log`: totals (4), first, last. The row is clock / parts, and
/// after the last row comes the first again.
///
/// @param clock  (1), the step's number times `parts`
/// @param first  (1), as is last: the size of some gradient
/// @param log    (rows, 6)
template <class M, class T>
void log_step(M&, Span<const int32_t> clock, int64_t parts, Span<const double> totals,
              Span<const T> first, Span<const T> last, Span<double> log);

}  // namespace tweed
