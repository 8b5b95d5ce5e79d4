// What works beside a block's threads on a GPU of compute capability 9.0: mbarriers, and the copies
// and products that the async proxy does. It all happens as late as the program allows.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

namespace emulator {

struct Instr;

/// An mbarrier, by its place in the block's shared memory. Its phase ends when neither arrivals nor
/// bytes are missing.
struct Mbarrier {
  uint32_t expected = 0, pending = 0;  ///< arrivals
  int64_t bytes = 0;                   ///< announced by expect_tx and not yet there
  uint64_t phase = 0;                  ///< how many have ended
  int maker = -1;                    ///< the thread that made it, until a fence lets copies see it
  const Instr* announced = nullptr;  ///< the last expect_tx
};

/// Bytes that move; without `from`, the copy's fill.
struct Piece {
  char* to;
  const char* from;
  uint32_t bytes;
};
/// A copy into a block's shared memory, which completes bytes of one of its mbarriers.
struct Load {
  std::vector<Piece> pieces;
  uint32_t mbarrier = 0, bytes = 0;
  uint64_t fill = 0;  ///< repeated
  const Instr* instr = nullptr;
};
/// A copy out of shared memory, in a group of the thread that asked for it.
struct Store {
  int lane, group;
  std::vector<Piece> pieces;
  bool read = false;
  std::vector<char> data;  ///< once it is read
  const Instr* instr;
};

/// Who wrote four bytes of shared memory by an ordinary instruction.
struct Written {
  uint16_t thread = 0;  ///< + 1; 0: nobody since the async proxy
  uint16_t instr = 0;
  uint32_t fences = 0;  ///< the thread's fence.proxy.async before that
};

struct Async {
  bool used = false;  ///< by the kernel
  std::map<uint32_t, Mbarrier> mbarriers;
  std::deque<Load> loads;
  std::vector<Written> written;
};

}  // namespace emulator
