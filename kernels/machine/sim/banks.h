// What a warp's accesses cost together. Bank conflicts: how often the shared memory of a GPU would
// serve an access once more than it must. Sectors: how much of its global memory one touches.
//
// The model of banks: 32 banks of 4 bytes, word w in bank w % 32. All 32 lanes are served together
// if each wants up to 4 bytes, 16 of them if 8, 8 if 16: a phase. In one wavefront each bank gives
// one word, to all lanes that want it; so a phase takes as many wavefronts as the most words that
// its lanes want of one bank. All but the first of them are conflicts.
//
// The model of global memory: it comes in sectors of 32 bytes, and an access takes each sector that
// its lanes touch, whole and once. Each argument of a launch begins a sector, as what cudaMalloc
// gives does. There are no caches here: what one would serve is counted again.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tweed::sim {

struct BankCount {
  std::string line;        ///< of the kernel, as findings name it: "mma.cu:120"
  std::string what;        ///< load, store, ldmatrix or cp.async
  int64_t accesses = 0;    ///< by warps, of all blocks
  int64_t wavefronts = 0;  ///< that these took
  int64_t conflicts = 0;   ///< of which a layout without conflicts would have saved so many
};

/// What launches on a Sim with count_banks did since the last call, a line and kind of access each.
///
/// Threads run one after the other here, so the lanes' accesses are put together again: those that
/// the same instruction made, in each lane for the nth time since the block's last barrier. An
/// instruction counts for its first 1024 times between two barriers; atomics do not count. Accesses
/// are those of the host's compiler: it may write a struct member by member where nvcc would store
/// the whole at once.
std::vector<BankCount> take_bank_counts();

struct SectorCount {
  std::string line;      ///< as above
  std::string what;      ///< load, store or cp.async
  int64_t accesses = 0;  ///< by warps, of all blocks
  int64_t sectors = 0;   ///< of sector_bytes each
};
constexpr int64_t sector_bytes = 32;
/// The same for global memory, where an instruction counts for its first 16,384 times between two
/// barriers.
std::vector<SectorCount> take_sector_counts();

/// How often threads waited for each other.
struct MeetingCount {
  int64_t barriers = 0;  ///< __syncthreads, by blocks
  int64_t warps = 0;     ///< shuffles, votes and __syncwarp, by warps
};
MeetingCount take_meeting_counts();

/// One execution of an instruction by a warp.
struct WarpAccess {
  uint32_t lanes = 0;  ///< a mask
  uint32_t bytes = 0;  ///< of each lane
  uint32_t at[32];     ///< the lower half of the address, or for global memory a place of its own
};
/// How many wavefronts it takes, and how many of them are conflicts.
struct Wavefronts {
  int taken = 0, conflicts = 0;
};
Wavefronts wavefronts_of(const WarpAccess& access);
int sectors_of(const WarpAccess& access);

// ---- for the simulator

/// Whether the launch under way is counted.
extern bool counting_banks;
extern MeetingCount meetings;
/// The calling thread's access of that many bytes, which count if they are in shared memory or in
/// an argument of the launch.
void count_access(const char* what, const void* p, std::size_t bytes, const void* pc);
/// At a barrier, and at the end of a block: what comes later is no part of earlier accesses.
void end_accesses();

}  // namespace tweed::sim
