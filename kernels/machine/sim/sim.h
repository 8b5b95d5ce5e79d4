// The `sim` machine, as kernel files see it: every CUDA thread is a fiber, every access is checked.
//
// Kernel files are compiled with -fsanitize=thread, but the hooks it calls for each load and store
// are ours (hooks.cpp). So kernels stay plain CUDA: raw pointers and `__shared__ float t[16]`.
#pragma once
#include <cmath>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "kernels/machine/sim/run.h"

#define __global__ static
// Inlined without exception, so that the address of an access tells the line of the kernel, too.
#define __device__ __attribute__((always_inline))
#define __host__
#define __shared__ static thread_local
#define __launch_bounds__(...)
#define __forceinline__ inline
#define __align__(n) __attribute__((aligned(n)))

namespace tweed::sim {

using Here = Sim;
struct uint3 {
  unsigned x, y, z;
};
// Constant as long as a thread runs, which spares them the checks; the scheduler, which knows them
// under other names (state.h), sets them before it resumes a thread.
extern const uint3 threadIdx asm("tweed_sim_threadIdx");
extern const uint3 blockIdx asm("tweed_sim_blockIdx");
extern const uint3 blockDim asm("tweed_sim_blockDim");
extern const uint3 gridDim asm("tweed_sim_gridDim");

// ---- arithmetic under CUDA's names

template <class T>
TWEED_INLINE T max(T a, T b) {
  return a > b ? a : b;
}
template <class T>
TWEED_INLINE T min(T a, T b) {
  return a < b ? a : b;
}
#define TWEED_FUNCTION(name)                                          \
  TWEED_INLINE float name(float x) { return __builtin_##name##f(x); } \
  TWEED_INLINE double name(double x) { return __builtin_##name(x); }
TWEED_FUNCTION(exp)
TWEED_FUNCTION(log)
TWEED_FUNCTION(tanh)
TWEED_FUNCTION(sqrt)
TWEED_FUNCTION(fabs)
TWEED_FUNCTION(floor)
TWEED_FUNCTION(ceil)
TWEED_FUNCTION(sin)
TWEED_FUNCTION(cos)
TWEED_FUNCTION(erf)
#undef TWEED_FUNCTION
TWEED_INLINE float rsqrtf(float x) { return 1 / __builtin_sqrtf(x); }
TWEED_INLINE float rsqrt(float x) { return 1 / __builtin_sqrtf(x); }
TWEED_INLINE double rsqrt(double x) { return 1 / __builtin_sqrt(x); }
TWEED_INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
TWEED_INLINE double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
TWEED_INLINE float pow(float a, float b) { return __builtin_powf(a, b); }
TWEED_INLINE double pow(double a, double b) { return __builtin_pow(a, b); }
template <class T>
TWEED_INLINE bool isnan(T x) {
  return x != x;
}
template <class T>
TWEED_INLINE bool isfinite(T x) {
  return x - x == 0;
}
template <class T>
TWEED_INLINE bool isinf(T x) {
  return !isfinite(x) && !isnan(x);
}

// ---- memory

// The compiler's hooks leave these out; or not, where it makes loads and stores of them: so they
// are functions, checked once.
void* memcpy(void* to, const void* from, std::size_t bytes);
void* memmove(void* to, const void* from, std::size_t bytes);
void* memset(void* to, int byte, std::size_t bytes);

/// Whole numbers only: a sum of floats would depend on the order of the threads.
int atomicAdd(int* p, int v);

void* dynamic_shared_memory();
template <class T>
TWEED_INLINE T* dynamic_shared() {
  return static_cast<T*>(dynamic_shared_memory());
}

// ---- barriers and warps

using Where = std::source_location;
void __syncthreads(Where = Where::current());
void __syncwarp(unsigned mask = 0xffffffffu, Where = Where::current());
unsigned __ballot_sync(unsigned mask, bool p, Where = Where::current());
bool __any_sync(unsigned mask, bool p, Where = Where::current());
bool __all_sync(unsigned mask, bool p, Where = Where::current());

/// What lane `from` gives; all lanes in `mask` meet here.
Parcel shuffle(unsigned mask, Parcel mine, unsigned from, const char* what, const Where& where);
template <class T>
TWEED_INLINE T shuffled(unsigned mask, T v, unsigned from, const char* what, const Where& where) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(Parcel));
  Parcel parcel = {};
  __builtin_memcpy(&parcel, &v, sizeof v);
  parcel = shuffle(mask, parcel, from, what, where);
  __builtin_memcpy(&v, &parcel, sizeof v);
  return v;
}
TWEED_INLINE unsigned lane_id() { return (threadIdx.y * blockDim.x + threadIdx.x) % 32; }

template <class T>
TWEED_INLINE T __shfl_sync(unsigned mask, T v, int lane, Where where = Where::current()) {
  return shuffled(mask, v, unsigned(lane) % 32, "__shfl_sync", where);
}
template <class T>
TWEED_INLINE T __shfl_xor_sync(unsigned mask, T v, int d, Where where = Where::current()) {
  return shuffled(mask, v, (lane_id() ^ unsigned(d)) % 32, "__shfl_xor_sync", where);
}
template <class T>
TWEED_INLINE T __shfl_down_sync(unsigned mask, T v, int d, Where where = Where::current()) {
  const unsigned lane = lane_id(), from = lane + unsigned(d);
  return shuffled(mask, v, from < 32 ? from : lane, "__shfl_down_sync", where);
}
template <class T>
TWEED_INLINE T __shfl_up_sync(unsigned mask, T v, int d, Where where = Where::current()) {
  const unsigned lane = lane_id();
  return shuffled(mask, v, lane < unsigned(d) ? lane : lane - unsigned(d), "__shfl_up_sync", where);
}

// ---- the vocabulary of ranges

/// Prints a warning, once for each kernel and function.
void warn_of_block(const char* function, const char* wanted);
TWEED_INLINE void require_flat_block(const char* function) {
  if (blockDim.y != 1) warn_of_block(function, "a block with y = 1");
}
TWEED_INLINE void require_whole_warps(const char* function) {
  if (blockDim.x * blockDim.y % 32) warn_of_block(function, "a block of whole warps");
}
TWEED_INLINE void require_rows_of_warps(const char* function) {
  if (blockDim.x != 32) warn_of_block(function, "a block with x = 32");
}

#include "kernels/machine/index.h"

// ---- launches

#define TWEED_UNCHECKED __attribute__((no_sanitize("thread")))

template <class P, class A>
TWEED_INLINE Region region_of(const A&, int argument) {
  static_assert(!std::is_pointer_v<P> || std::is_null_pointer_v<A>,
                "pass a Span to launch(), not a raw pointer");
  return {nullptr, 0, 1, argument, false};
}
// What the kernel takes as const, it may not write, whatever the caller may do.
template <class P, class T>
TWEED_INLINE Region region_of(const Span<T>& s, int argument) {
  const bool writable = !std::is_const_v<std::remove_pointer_t<P>>;
  return {reinterpret_cast<const char*>(s.data()), s.size() * int64_t(sizeof(T)), int(sizeof(T)),
          argument, writable};
}

template <class... P, class... A>
void launch(void (*kernel)(P...), Config config, Here& here, const A&... args) {
  static_assert(sizeof...(P) == sizeof...(A), "the kernel takes another number of arguments");
  int argument = 0;
  const Region regions[] = {region_of<P>(args, ++argument)..., {}};
  auto body = [=]() TWEED_UNCHECKED { kernel(static_cast<P>(args)...); };
  using Body = decltype(body);
  static_assert(std::is_trivially_copyable_v<Body>, "arguments of kernels are plain values");
  run({reinterpret_cast<const void*>(kernel), config, regions, argument,
       [](const void* b) TWEED_UNCHECKED { (*static_cast<const Body*>(b))(); }, &body, sizeof body},
      here);
}

}  // namespace tweed::sim
