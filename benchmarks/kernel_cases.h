// What kernel_bench times: each kernel with the bytes or operations that it cannot do without.
#pragma once
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/values.h"

namespace tweed::bench {

/// Where kernels run, and on how much: on arrays of 32 MiB or so, on `times` as much where caches
/// are large, or on almost nothing (`quick`), to see that everything runs.
struct Setting {
  Device device;
  int64_t times = 1;
  bool quick = false;

  int64_t batch(int64_t n) const { return quick ? std::max<int64_t>(1, n / 16) : n * times; }
  int64_t side(int64_t n) const { return quick ? n / 8 : n; }
  int64_t rows(int64_t n) const { return quick ? n / 1024 : n * times; }
};

/// One kernel on float32 data far larger than the caches.
struct KernelCase {
  std::string name;
  double bytes = 0;   ///< that must be read and written; each array counted once
  double flops = 0;   ///< of a matrix product or convolution, instead of bytes
  std::string costs;  ///< what else a memory-bound kernel computes, such as "exp"; else empty
  std::function<void()> run;
};

// A function a file.
std::vector<KernelCase> element_cases(const Setting& s);
std::vector<KernelCase> row_cases(const Setting& s);
std::vector<KernelCase> image_cases(const Setting& s);
std::vector<KernelCase> product_cases(const Setting& s);

}  // namespace tweed::bench
