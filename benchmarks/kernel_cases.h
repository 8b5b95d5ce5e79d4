// What kernel_bench times: each kernel with the bytes or operations that it cannot do without.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/values.h"

namespace tweed::bench {

/// One kernel on float32 data far larger than the caches.
struct KernelCase {
  std::string name;
  double bytes = 0;   ///< that must be read and written; each array counted once
  double flops = 0;   ///< of a matrix product or convolution, instead of bytes
  std::string costs;  ///< what else a memory-bound kernel computes, such as "exp"; else empty
  std::function<void()> run;
};

// A function a file.
std::vector<KernelCase> element_cases(Device device);
std::vector<KernelCase> row_cases(Device device);
std::vector<KernelCase> image_cases(Device device);
std::vector<KernelCase> product_cases(Device device);

}  // namespace tweed::bench
