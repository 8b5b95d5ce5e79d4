// What kernels do, counted: instructions by opcode, and bytes of the GPU's memory by 32-byte
// sectors. EMULATOR_COUNT=FILE appends a line of JSON for each launch and each product.
// EMULATOR_SAMPLE=N runs only N blocks of a launch, spread over all of them, and multiplies:
// results are then worthless, and the counts of a step that would take hours are there in minutes.
#pragma once
#include <vector>

#include "access.h"

namespace emulator {

constexpr int64_t sector = 32;  ///< bytes; what the GPU's memory is read and written by

/// Counts one launch, whose blocks run one after another.
class Counts {
 public:
  explicit Counts(const Launch&);
  uint32_t begin_block() { return ++block_; }  ///< its number, from 1
  void access(const Warp&, const Addresses&, Access);
  /// Adds the launch's line to the file.
  void write() const;
  std::vector<uint64_t> executed;  ///< by instruction, of all warps

 private:
  // Sectors of one allocation that were read, or written.
  struct Traffic {
    std::vector<uint32_t> last;  ///< the block that touched it last, counted from 1
    uint64_t asked = 0;          ///< by warps: those of one instruction count once
    uint64_t of_blocks = 0;      ///< those of one block count once
    uint64_t distinct = 0;
  };
  struct Allocation {
    int64_t begin = 0, end = 0;
    Traffic traffic[2];  ///< read, written
  };
  Allocation* find(int64_t address);

  const Launch& launch_;
  std::vector<Allocation> allocations_;
  uint32_t block_ = 0;  ///< that have run
};

/// Whether launches and products are counted.
bool counting();
/// Blocks to run of a launch, 0 for all.
long sample();
/// Adds a line for work that no kernel of the program does; `numbers` is the inside of an object.
void count_other(const char* what, const std::string& numbers);

}  // namespace emulator
