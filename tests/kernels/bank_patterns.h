// Accesses to shared memory whose bank conflicts are known by hand: what the simulator must count.
#pragma once
#include "kernels/machine/machine.h"

/// X(name): a kernel `name`, whose accesses of interest stand in lines with the marker "ROW: ...".
#define FOR_BANK_PATTERNS(X) \
  X(strides)                 \
  X(columns)                 \
  X(wide)                    \
  X(narrow)                  \
  X(matrices)                \
  X(copies)                  \
  X(some_lanes)              \
  X(long_loop)               \
  X(sectors)

namespace tweed {

#define PATTERN(name) name,
enum class BankPattern { FOR_BANK_PATTERNS(PATTERN) };
#undef PATTERN

/// Launches one block of 64 threads: two warps, that do the same. x and y have 4096 elements.
template <class M>
void bank_pattern(M&, BankPattern which, Span<const float> x, Span<float> y);

}  // namespace tweed
