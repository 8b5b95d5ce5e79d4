// Fibers: simulated threads, each with a small stack of its own, that hand over by themselves.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tweed::sim {

constexpr std::size_t stack_bytes = 64 * 1024;
constexpr int most_threads = 1024;

/// All stacks, one after the other; null until map_stacks().
extern char* stacks;
void map_stacks();

/// Whether p lies in the stack of a fiber; and so, for an address of the caller's frame, whether
/// the caller is one.
inline bool in_stacks(const void* p) {
  return stacks && std::uintptr_t(p) - std::uintptr_t(stacks) < stack_bytes * most_threads;
}

class Fiber {
 public:
  /// Gives it stack number `index`; `entry` must never return.
  void prepare(int index, void (*entry)());
  /// Runs the fiber until it pauses. For the scheduler.
  void resume();
  /// Back to the scheduler. For the fiber itself.
  void pause();

 private:
  void* stack_pointer_ = nullptr;
};

}  // namespace tweed::sim
