// TWEED_INLINE marks small functions that host code and kernels share.
//
// Kernel files are compiled with other flags than the rest (instrumented for `sim`, tuned for
// `cpu`). A weak copy of a shared inline function compiled there could win at link time and bring
// those flags into host code, so such functions leave no copy behind: they are always inlined.
#pragma once

#ifdef __CUDACC__
#define TWEED_INLINE __host__ __device__ __forceinline__
#else
#define TWEED_INLINE inline __attribute__((always_inline))
#endif
