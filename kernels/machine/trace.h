// Notes what a program spends its time on: each kernel and each call of a library as it ran.
// Trace (train/trace.h) turns this on, and makes tables of it; trace_notes.h is its side.
//
// Off by default, and then a launch pays one look at a flag. While it is on, each call is waited
// for, so that its time is its own: on a GPU the host no longer runs ahead.
#pragma once
#include <cstdint>

#include "kernels/machine/machine.h"

namespace tweed::trace {

/// A kernel, or a call of a library.
struct Call {
  const void* kernel = nullptr;  ///< null: a library's, called `name`
  const char* name = nullptr;    ///< a text that lives as long as the program
  int64_t bytes = 0;             ///< of the arrays that it was given, each once
  struct Cuda* cuda = nullptr;   ///< whose stream to wait for
};

/// Whether this thread's calls are noted.
inline constinit thread_local bool on = false;

/// Notes that a call begins. False within another call, and within a parallel region: then there is
/// nothing to finish.
bool start(const Call& call);
void finish();

// Kernel files include this, so nothing here may leave a copy behind: see inline.h.
#define TWEED_HOST_INLINE inline __attribute__((always_inline))

/// Times a call: lives from before it to after it.
class Timed {
 public:
  TWEED_HOST_INLINE explicit Timed(const Call& call) : active_(on && start(call)) {}
  TWEED_HOST_INLINE ~Timed() {
    if (active_) finish();
  }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  bool active_;
};

template <class A>
TWEED_HOST_INLINE int64_t bytes_of(const A&) {
  return 0;
}
template <class T>
TWEED_HOST_INLINE int64_t bytes_of(const Span<T>& s) {
  return s.size() * int64_t(sizeof(T));
}
/// Of all arguments that are Spans.
template <class... A>
TWEED_HOST_INLINE int64_t bytes_of_all(const A&... arguments) {
  return (int64_t(0) + ... + bytes_of(arguments));
}

TWEED_HOST_INLINE Cuda* cuda_of(Cpu&) { return nullptr; }
TWEED_HOST_INLINE Cuda* cuda_of(Sim&) { return nullptr; }
TWEED_HOST_INLINE Cuda* cuda_of(Cuda& here) { return &here; }

}  // namespace tweed::trace
