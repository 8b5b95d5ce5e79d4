#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// The rungs of the ladder; docs/ladder.md climbs it.
enum class Rung { by_thread, by_block, by_warp, by_packs };
/// The most columns that by_packs holds in registers.
constexpr int ladder_columns = 1024;

/// Layer norm without scale and shift: each row of y is that of x with mean 0 and variance 1.
/// @param columns  a multiple of 4, at most ladder_columns
/// @param x, y     (rows, columns), aligned to 16 bytes
template <class M>
void layer_norm_rung(M& here, Rung rung, int64_t columns, Span<const float> x, Span<float> y);

}  // namespace tweed
