// Two blocks of a launch on the same byte of the GPU's memory, one of them writing: nothing puts
// them in order. Looked for with EMULATOR_RACES=1, one block after another.
#pragma once
#include "warp.h"

namespace emulator {

/// Who touched a byte in the launch at hand.
struct Cell {
  uint32_t launch;          ///< of an earlier one nothing counts any more
  uint32_t writer, reader;  ///< number of the block + 1; 0 for none, `many` for several
  uint16_t wrote, read;     ///< the instruction that did so
  bool updates;             ///< all that was written was atomic
};

/// Null unless races are looked for.
Cell* new_cells(std::size_t bytes);
void free_cells(Cell*, std::size_t bytes);

/// Fails if another block has touched one of these bytes, and the order matters.
void check_race(Warp&, const Instr&, int lane, const Range&, int64_t address, int bytes, Access);

}  // namespace emulator
