// The simulator's entry point for launches. No standard containers here: kernel files include this
// header and are compiled with other flags, and inline functions of both would be mixed up when
// linking.
#pragma once
#include <atomic>

#include "kernels/machine/machine.h"

namespace tweed::sim {

/// Memory that a launch may touch: a Span argument.
struct Region {
  const char* begin;
  int64_t bytes;
  int element;   ///< bytes
  int argument;  ///< counted from 1
  bool writable;
};

struct Launch {
  const void* kernel;  ///< for its name in reports
  Config config;
  const Region* regions;
  int region_count;
  void (*body)(const void* context);  ///< calls the kernel: once for every simulated thread
  const void* context;
  std::size_t context_bytes;
};

/// A value on its way between the lanes of a warp.
struct Parcel {
  uint64_t low, high, more;
};

/// @throws DeviceError     for a grid or block beyond the limits, or a launch inside another
/// @throws SimulatorError  for what the kernel did wrong; the launch after that starts afresh
void run(const Launch& launch, Sim& machine);
/// How many launches there were since the program began, empty ones too.
extern std::atomic<int64_t> launches;
/// Keeps a copy of the launch in the recording that the machine makes.
void note(const Launch& launch, Sim& machine);

}  // namespace tweed::sim
