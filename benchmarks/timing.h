// How the benchmarks take time.
#pragma once
#include <algorithm>
#include <chrono>
#include <vector>

#include "tensor/device.h"

namespace tweed::bench {

/// The middle of the values, or the mean of the two in the middle. There must be one.
inline double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  const std::size_t n = v.size();
  return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

template <class F>
double seconds(F&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

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

}  // namespace tweed::bench
