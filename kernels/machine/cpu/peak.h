// What the processor could do at most: the yardstick beside every figure.
#pragma once

namespace tweed::cpu {

/// Multiply-adds in float on all of `threads` threads, in GFLOP/s: the best of several short runs
/// of independent vector FMAs from registers.
double fma_peak(int threads);

}  // namespace tweed::cpu
