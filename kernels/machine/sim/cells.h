// What the simulator remembers of each word of memory: who read and wrote it last.
#pragma once
#include "kernels/machine/sim/memory.h"

namespace tweed::sim {

/// The accesses to a word of four bytes, or to a byte of one that some access touched in part. Of
/// the writes the last is kept; of the reads one, and whether there were others that the next
/// barrier has not yet put in order. Zeroes: never touched.
struct Cell {
  uint32_t turn;  ///< the launch or block this is about; from an earlier one it says nothing
  uint32_t write_block, read_block, write_epoch, read_epoch;
  uint16_t writer, reader, other_reader, write_warp_epoch, read_warp_epoch;
  bool written : 1, atomic : 1, read : 1, many : 1, many_warps : 1, split : 1, copying : 1;
};

/// Cells for a range of addresses, in memory that is taken from the system on first touch.
class Cells {
 public:
  Cells() = default;
  Cells(const Cells&) = delete;
  ~Cells() { unmap(); }
  /// Room for so many words. What is in cells stays valid only by its turn.
  void reserve(int64_t words);
  /// Frees memory beyond a few megabytes.
  void shrink();
  Cell& word(uint64_t i) { return words_[i]; }
  /// The cells of the four bytes of word i, which count if that is split.
  Cell* bytes(uint64_t i) { return bytes_ + 4 * i; }

 private:
  void unmap();
  Cell *words_ = nullptr, *bytes_ = nullptr;
  int64_t room_ = 0;
};

struct Touch {
  Access kind;
  bool shared;
  uint32_t turn;
  const void* address;
  void* pc;
};
/// Compares an access by the current thread with what is known, reports, and remembers it.
void touch(Cells& cells, uint64_t offset, std::size_t bytes, const Touch& touch);

}  // namespace tweed::sim
