// The `cpu` machine: a block is one thread, blocks are spread over OpenMP's threads.
//
// Barriers vanish, and the ranges of index.h become contiguous loops with step 1, which g++
// vectorises: the same kernel text runs about as fast as loops written by hand.
#pragma once
#include <omp.h>

#include <cmath>
#include <cstring>

#include "kernels/machine/trace.h"

#define __global__ static
#define __device__
#define __host__
#define __shared__ static thread_local
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(n) __attribute__((aligned(n)))

// glibc's libmvec has vector forms of these; this says so without -ffast-math.
extern "C" {
__attribute__((simd("notinbranch"))) float expf(float) noexcept;
__attribute__((simd("notinbranch"))) float logf(float) noexcept;
__attribute__((simd("notinbranch"))) float tanhf(float) noexcept;
__attribute__((simd("notinbranch"))) float erff(float) noexcept;
__attribute__((simd("notinbranch"))) float expm1f(float) noexcept;
__attribute__((simd("notinbranch"))) float log1pf(float) noexcept;
__attribute__((simd("notinbranch"))) float powf(float, float) noexcept;
}

namespace tweed::cpu {

using Here = Cpu;
struct uint3 {
  unsigned x, y, z;
};
inline constexpr uint3 threadIdx{0, 0, 0}, blockDim{1, 1, 1};
inline constinit thread_local uint3 blockIdx{0, 0, 0}, gridDim{1, 1, 1};

template <class T>
TWEED_INLINE T max(T a, T b) {
  return a > b ? a : b;
}
template <class T>
TWEED_INLINE T min(T a, T b) {
  return a < b ? a : b;
}
TWEED_INLINE void __syncthreads() {}
TWEED_INLINE void __syncwarp() {}

#include "kernels/machine/cpu/index.h"

/// The calling thread's shared memory, at least `bytes`, aligned to 64; contents are arbitrary.
unsigned char* shared_memory(std::size_t bytes);
inline thread_local unsigned char* launched_shared = nullptr;
template <class T>
TWEED_INLINE T* dynamic_shared() {
  return reinterpret_cast<T*>(launched_shared);
}

/// A launch of no more work than this stays on the calling thread: waking the others costs more
/// than it saves.
constexpr int64_t inline_work = 16 * 1024;

/// Runs `kernel` once on each OpenMP thread, as that many blocks. Kernels do not depend on the
/// grid, so the number of blocks is free.
template <class... P, class... A>
void launch(void (*kernel)(P...), Config config, Here& here, const A&... args) {
  static_assert(sizeof...(P) == sizeof...(A), "the kernel takes another number of arguments");
  check_launch(config);
  if (config.grid == 0) return;
  const trace::Timed timed(
      {.kernel = reinterpret_cast<const void*>(kernel), .bytes = trace::bytes_of_all(args...)});
  int64_t work = config.work ? config.work : config.grid * config.block.x * config.block.y;
  int threads = here.threads ? here.threads : omp_get_max_threads();
  if (work <= inline_work || omp_in_parallel()) threads = 1;
  auto block = [&](unsigned index, unsigned count) {
    gridDim = {count, 1, 1};
    blockIdx = {index, 0, 0};
    launched_shared = config.shared ? shared_memory(config.shared) : nullptr;
    kernel(static_cast<P>(args)...);
  };
  if (threads == 1) return block(0, 1);
#pragma omp parallel num_threads(threads)
  block(unsigned(omp_get_thread_num()), unsigned(omp_get_num_threads()));
}

}  // namespace tweed::cpu
