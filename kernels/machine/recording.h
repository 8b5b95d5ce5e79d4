// Work that a machine notes down instead of doing it, to do it many times: a CUDA graph on `cuda`,
// a list of launches on `sim`, which behaves alike. `cpu` has none: a launch costs it next to
// nothing.
//
// While a machine records, launches, copies and zeroing within its memory are noted with the
// pointers and numbers that they were given; nothing is computed. So what changes from one replay
// to the next has to live in device memory, and copies from or to the host are refused.
#pragma once
#include <cstddef>
#include <memory>

#include "kernels/machine/machine.h"

namespace tweed {

class Recording {
 public:
  Recording() = default;
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  virtual ~Recording() = default;
  /// Does the work once, in stream order. The memory it was given must still be there.
  virtual void replay() = 0;
};

/// @throws Error  if the machine records already
void begin_recording(Sim&);
void begin_recording(Cuda&);
/// What was noted since begin_recording(), which must have come before on the same thread.
std::unique_ptr<Recording> end_recording(Sim&);
std::unique_ptr<Recording> end_recording(Cuda&);
inline bool is_recording(const Sim& machine) { return machine.recording != nullptr; }
inline bool is_recording(const Cuda& machine) { return machine.recording; }

namespace sim {
/// Between places in the simulator's memory, which may overlap.
void copy(Sim&, void* to, const void* from, std::size_t bytes);
void zero(Sim&, void* p, std::size_t bytes);
}  // namespace sim

}  // namespace tweed
