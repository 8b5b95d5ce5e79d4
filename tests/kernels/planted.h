// Kernels with one bug each, and the same without it: what the simulator must find, and must not.
#pragma once
#include "kernels/machine/machine.h"

/// X(name): kernels `name`, and `name_right` without the bug.
#define FOR_PLANTED_BUGS(X) \
  X(read_past_end)          \
  X(far_read)               \
  X(write_past_end)         \
  X(write_to_input)         \
  X(barrier_in_loop)        \
  X(exit_before_barrier)    \
  X(two_barriers)           \
  X(half_warp_shuffle)      \
  X(absent_lane)            \
  X(two_shuffles)           \
  X(uninitialised_shared)   \
  X(uninitialised_dynamic)  \
  X(dynamic_overrun)        \
  X(shared_index)           \
  X(stale_shared)           \
  X(reused_shared)          \
  X(missing_syncwarp)       \
  X(scatter_race)           \
  X(block_race)             \
  X(count_race)             \
  X(byte_race)              \
  X(bf16_race)              \
  X(shared_byte_race)       \
  X(struct_overrun)         \
  X(memcpy_overrun)         \
  X(memset_overrun)         \
  X(misaligned_vector)      \
  X(foreign_local)          \
  X(flat_in_rows)           \
  X(broken_warp)

/// The same for asynchronous copies and tensor cores, on sm_80 or later.
#define FOR_PLANTED_ASYNC_BUGS(X) \
  X(copy_not_awaited)             \
  X(copy_no_barrier)              \
  X(copy_into_read)               \
  X(too_few_groups)               \
  X(uncommitted_copy)             \
  X(ended_copy)                   \
  X(misaligned_copy)              \
  X(copy_past_end)                \
  X(copy_to_local)                \
  X(copy_from_shared)             \
  X(misaligned_row)               \
  X(uninitialised_row)            \
  X(row_in_global)                \
  X(two_mmas)

namespace tweed {

#define BOTH(name) name, name##_right,
enum class PlantedBug { FOR_PLANTED_BUGS(BOTH) FOR_PLANTED_ASYNC_BUGS(BOTH) };
#undef BOTH

/// Launches two blocks of 64 threads (flat_in_rows: 32x2; broken_warp: 48) with 1 KB of dynamic
/// shared memory. x and y have the same size, at least 128, which the kernels call n; x is aligned
/// to 16 bytes.
template <class M>
void planted(M&, PlantedBug which, Span<const float> x, Span<float> y);

}  // namespace tweed
