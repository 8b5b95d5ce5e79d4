// What a Catch2 test repeats: over devices and dtypes, and over numbers of threads.
#pragma once
#include <vector>

#include "tests/catch.h"
#include "tests/support.h"

namespace tweed {

/// Calls f(device, dtype) for each test device and floating dtype; failures name both.
template <class F>
void on_all(F f) {
  for (Device device : test_devices())
    for (DType dtype : {DType::float64, DType::float32, DType::bfloat16}) {
      INFO(device.name() << " " << name_of(dtype));
      f(device, dtype);
    }
}

/// Checks that the tensors that f returns have the same bits for 1, 2, 3 and 7 threads of the cpu.
template <class F>
void check_any_threads(F f) {
  set_threads(1);
  const std::vector<Tensor> one = f();
  for (int count : {2, 3, 7}) {
    set_threads(count);
    const std::vector<Tensor> several = f();
    for (std::size_t i = 0; i < one.size(); ++i) {
      INFO(count << " threads, result " << i);
      CHECK(same_bits(one[i], several[i]));
    }
  }
  set_threads(0);
}

}  // namespace tweed
