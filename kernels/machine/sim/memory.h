// Checked memory: what each access of a simulated thread may touch, and what the others did there.
#pragma once
#include "kernels/machine/sim/movie.h"
#include "kernels/machine/sim/run.h"

namespace tweed::sim {

/// A copy that was issued (cp.async) may write at any time until it has arrived.
enum class Access : uint8_t { read, write, atomic, copy_issued, copy_arrived };

/// Checks an access of the calling thread, made by the instruction before pc. Threads that made one
/// that could harm the program itself do not come back.
void check(const void* p, std::size_t bytes, Access kind, void* pc);

bool in_shared(const void* p);

/// Which memory of the launch an address is in, and how many bytes behind its beginning; what is in
/// no fiber's stack and no table of constants is outside. For static shared memory the beginning is
/// any multiple of 128, so that banks are right.
struct Place {
  Space space = Space::none;
  int argument = 0;  ///< counted from 1
  int64_t offset = 0;
};
Place place_of(const void* p);

/// Prepares for a launch by the calling host thread.
void start_memory(const Launch& launch);
/// Gives back what only large launches need.
void end_memory();

}  // namespace tweed::sim
