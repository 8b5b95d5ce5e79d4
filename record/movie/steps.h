// What the threads of a block did, put together again as the steps of its warps.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "kernels/machine/sim/banks.h"
#include "kernels/machine/sim/movie.h"

namespace tweed {

/// Pieces of 32 bytes, in which a GPU moves global memory.
struct Sectors {
  int touched = 0;
  int needed = 0;  ///< if the bytes lay side by side
};

/// One instruction of a warp.
struct WarpStep {
  int warp = 0;
  uint32_t site = 0;                  ///< index into Movie::sites
  uint32_t lanes = 0;                 ///< a mask
  std::array<int64_t, 32> offsets{};  ///< of each lane, in bytes
  sim::Wavefronts fronts;             ///< of accesses to shared memory
  Sectors sectors;                    ///< of those to global memory; spans begin where one begins
  std::vector<int> findings;          ///< indexes into Movie::findings
};

/// The simulator runs thread after thread, a GPU a warp's lanes together. Here the warps take
/// turns, and of a warp's lanes those at the smallest instruction go: so lanes that are behind
/// catch up, and threads meet again after a branch. Nobody passes a barrier before all have come.
/// Each thread's events keep their order; where the simulator found that threads must wait for
/// ever, the steps end.
std::vector<WarpStep> steps_of(const sim::Movie& movie, const sim::MovieBlock& block);

}  // namespace tweed
