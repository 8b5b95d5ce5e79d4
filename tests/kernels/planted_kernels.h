// How planted kernels are written and launched: for planted.cu and planted_async.cu.
#pragma once
#include "kernels/machine/kernel.h"
#include "tests/kernels/planted.h"

#define KERNEL(name)                                                               \
  __global__ void name([[maybe_unused]] const float* x, [[maybe_unused]] float* y, \
                       [[maybe_unused]] int64_t n)
#define T int(threadIdx.x)
#define GLOBAL (int64_t(blockIdx.x) * blockDim.x + threadIdx.x)

// In a launcher: launches the kernel and returns if `which` names it or its twin.
#define LAUNCH(name)                                                                         \
  if (which == PlantedBug::name) return launch(MACHINE::name, config, here, x, y, x.size()); \
  if (which == PlantedBug::name##_right)                                                     \
    return launch(MACHINE::name##_right, config, here, x, y, x.size());

namespace tweed {

/// planted() for FOR_PLANTED_ASYNC_BUGS.
template <class M>
void planted_async(M&, PlantedBug which, const Config&, Span<const float> x, Span<float> y);

}  // namespace tweed
