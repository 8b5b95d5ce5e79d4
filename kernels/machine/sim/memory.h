// Checked memory: what each access of a simulated thread may touch, and what the others did there.
#pragma once
#include "kernels/machine/sim/run.h"

namespace tweed::sim {

/// A copy that was issued (cp.async) may write at any time until it has arrived.
enum class Access : uint8_t { read, write, atomic, copy_issued, copy_arrived };

/// Checks an access of the calling thread, made by the instruction before pc. Threads that made one
/// that could harm the program itself do not come back.
void check(const void* p, std::size_t bytes, Access kind, void* pc);

bool in_shared(const void* p);

/// Prepares for a launch by the calling host thread.
void start_memory(const Launch& launch);
/// Gives back what only large launches need.
void end_memory();

}  // namespace tweed::sim
