// Seconds that something takes, on a device as well.
#pragma once
#include <chrono>

#include "tensor/device.h"

namespace tweed {

template <class F>
double seconds(F&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Whether it only plays a GPU: `sim`, or `cuda` on emulator/. How long anything takes there says
/// nothing, and what a GPU does in a moment takes hours.
bool is_simulated(Device device);

/// Seconds of one call of f, the mean of `repeats` calls that follow each other. What a device is
/// asked for runs behind the host's back, so that enough repeats hide the launches.
template <class F>
double seconds_each(Device device, int repeats, F&& f) {
  synchronize(device);
  return seconds([&] {
           for (int i = 0; i < repeats; ++i) f();
           synchronize(device);
         }) /
         repeats;
}

}  // namespace tweed
