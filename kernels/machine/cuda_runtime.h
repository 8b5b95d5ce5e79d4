// Host side of the `cuda` machine. Every call throws DeviceError on failure.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed::cuda {

/// GPUs that the driver offers; 0 without a driver.
int device_count();
/// The machine for one GPU, with a stream and a cuBLAS handle of its own. Never closed.
Cuda open(int index);
/// Makes the machine's GPU current on the calling thread.
void select(const Cuda& machine);

/// Null when the memory does not suffice.
void* allocate(Cuda& machine, std::size_t bytes);
void release(Cuda& machine, void* p);
std::size_t free_bytes(Cuda& machine);

/// Between any two places, host or device; returns when done.
void copy(Cuda& machine, void* to, const void* from, std::size_t bytes);
/// Stream-ordered.
void zero(Cuda& machine, void* p, std::size_t bytes);
void synchronize(Cuda& machine);

}  // namespace tweed::cuda
