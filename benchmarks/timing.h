// How the benchmarks take time.
#pragma once
#include <algorithm>
#include <vector>

#include "tensor/timing.h"

namespace tweed::bench {

/// The middle of the values, or the mean of the two in the middle. There must be one.
inline double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  const std::size_t n = v.size();
  return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

}  // namespace tweed::bench
