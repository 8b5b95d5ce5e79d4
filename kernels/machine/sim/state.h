// What the parts of the simulator share: the launch under way and its threads.
#pragma once
#include <array>
#include <memory>
#include <vector>

#include "kernels/machine/sim/fiber.h"
#include "kernels/machine/sim/memory.h"

namespace tweed::sim {

/// The text of a barrier or warp operation, and the instruction after it.
struct Site {
  const char* what = "";
  unsigned line = 0, column = 0;
  void* pc = nullptr;
  bool same_text(const Site& o) const { return line == o.line && column == o.column; }
};

enum class State : uint8_t { ready, at_barrier, at_warp, done, dead };
/// A cp.async under way: it belongs to the group that the thread commits as its `group`-th.
struct Copy {
  void* to;
  const void* from;  ///< or null: zeros
  std::size_t bytes;
  int64_t group;
  void* pc;
};
struct Thread {
  Fiber fiber;
  bool prepared = false;
  State state = State::done;
  Site site;  ///< where it waits, or did last
  std::vector<Copy> copies;
  int64_t committed = 0;  ///< groups of copies
};

/// The meeting place of the lanes in `mask`. Two sets of slots: a lane may come to the next meeting
/// while others still read from this one.
struct Meeting {
  unsigned mask = 0, arrived = 0, turn = 0;
  Parcel slot[2][32];
};
struct Warp {
  std::vector<std::unique_ptr<Meeting>> meetings;
  uint16_t epoch = 0;  ///< __syncwarps so far
};

struct Running {
  std::array<Thread, most_threads> threads;
  std::vector<Warp> warps;
  int count = 0;    ///< threads in the block
  int alive = 0;    ///< of which have not ended
  int waiting = 0;  ///< of which are at the barrier
  int current = -1;
  uint32_t block = 0;
  uint32_t epoch = 0;                        ///< __syncthreads so far in this block
  uint32_t launch_turn = 0, block_turn = 0;  ///< running numbers over the program's life
  const Launch* launch = nullptr;

  Thread& thread() { return threads[std::size_t(current)]; }
  Warp& warp() { return warps[std::size_t(current / 32)]; }
};
extern Running now;

/// Whether somebody besides the checks looks at each access: banks.h, film.h.
extern bool watching;

/// A meeting of the lanes in `mask`, the calling thread's warp: what each of 32 brought.
using Slots = const Parcel*;
Slots meet(unsigned mask, Parcel mine, const Site& site);

/// The calling thread cannot go on: it ends here, and the launch after this block.
[[noreturn]] void die();

// What kernels see, as constants, in sim.h.
struct Index3 {
  unsigned x, y, z;
};
extern Index3 thread_index asm("tweed_sim_threadIdx"), block_index asm("tweed_sim_blockIdx"),
    block_size asm("tweed_sim_blockDim"), grid_size asm("tweed_sim_gridDim");

}  // namespace tweed::sim
