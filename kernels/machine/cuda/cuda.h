// The `cuda` machine, as kernel files see it: nvcc and a GPU.
#pragma once
#include <cuda_runtime.h>

#include <cmath>
#include <type_traits>

#include "kernels/machine/trace.h"

namespace tweed::cuda {

using Here = Cuda;

// The simulator checks what the vocabulary of index.h asks of a block; here that costs nothing.
__device__ inline void require_flat_block(const char*) {}
__device__ inline void require_whole_warps(const char*) {}
__device__ inline void require_rows_of_warps(const char*) {}

#include "kernels/machine/index.h"

template <class T>
__device__ T* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char tweed_dynamic_shared[];
  return reinterpret_cast<T*>(tweed_dynamic_shared);
}

/// Lets a kernel have more dynamic shared memory than shared_bytes_limit.
void allow_shared(const void* kernel, std::size_t bytes);
/// Throws DeviceError if the launch failed; debug builds also wait for the kernel to end.
void after_launch(const void* kernel, Cuda& here);

template <class... P, class... A>
void launch(void (*kernel)(P...), Config config, Here& here, const A&... args) {
  static_assert(sizeof...(P) == sizeof...(A), "the kernel takes another number of arguments");
  check_launch(config);
  if (config.grid == 0) return;
  const trace::Timed timed({.kernel = reinterpret_cast<const void*>(kernel),
                            .bytes = trace::bytes_of_all(args...),
                            .cuda = &here});
  if (config.shared > shared_bytes_limit)
    allow_shared(reinterpret_cast<const void*>(kernel), config.shared);
  kernel<<<dim3(unsigned(config.grid)), dim3(config.block.x, config.block.y), config.shared,
           cudaStream_t(here.stream)>>>(static_cast<P>(args)...);
  after_launch(reinterpret_cast<const void*>(kernel), here);
}

}  // namespace tweed::cuda
