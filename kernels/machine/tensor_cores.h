// Instructions of the tensor cores and of what feeds them, one function each: for a kernel file on
// `cuda` and `sim`. sm_80 or later.
//
// cp.async     16 bytes from global to shared memory, past the registers, while the thread goes on
// ldmatrix     four 8x8 matrices of 16-bit numbers from shared memory to the registers of a warp
// mma.sync     a warp multiplies a 16 x 32-byte tile by a 32-byte x 8 tile
//
// All lanes of a warp call ldmatrix and mma together. Let g = lane / 4 and t = lane % 4. Where a
// lane has which elements, as PTX ISA 9.2 lays down in sections 9.7.14.5.7 (mma.m16n8k8),
// 9.7.14.5.8 (mma.m16n8k16) and 9.7.14.5.15 (ldmatrix):
//
//   A, 16 x k   bf16, k = 16: a[i] holds row g + 8 (i % 2), columns 2t + 8 (i / 2) and the next one
//               tf32, k = 8:  a[i] holds row g + 8 (i % 2), column t + 4 (i / 2)
//   B, k x 8    bf16: b[i] holds rows 2t + 8 i and the next one, column g
//               tf32: b[i] holds row t + 4 i, column g
//   sums, 16x8  sums[i] is row g + 8 (i / 2), column 2t + i % 2
#pragma once
#include "kernels/machine/kernel.h"

namespace tweed::MACHINE {

#ifdef TWEED_SIM

// The twins: sim/tensor_cores.cpp.
void cp_async(void* shared, const void* global, bool wanted);
void cp_async_commit();
void cp_async_wait_for(int groups);
template <int groups>
TWEED_INLINE void cp_async_wait() {
  cp_async_wait_for(groups);
}
void ldmatrix(uint32_t (&to)[4], const void* row, Where = Where::current());
void ldmatrix_trans(uint32_t (&to)[4], const void* row, Where = Where::current());
void mma_bf16(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
              Where = Where::current());
void mma_tf32(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
              Where = Where::current());
TWEED_INLINE void pin(int&) {}
TWEED_INLINE uint32_t to_tf32(float x) {
  const uint32_t u = float_bits(x);
  return (u & 0x7fffffffu) > 0x7f800000u ? 0x7fffe000u : (u + 0x1000u) & 0xffffe000u;
}

#else

// Older GPUs have none of these: host code asks first (has_tensor_cores), and code for them
// compiles.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#define TWEED_SM80(...) __trap()
#else
#define TWEED_SM80(...) asm volatile(__VA_ARGS__)
#endif

__device__ inline uint32_t shared_address(const void* p) {
  return uint32_t(__cvta_generic_to_shared(p));
}

/// Begins to copy 16 bytes, both sides aligned to 16; zeros if they are not wanted, and then
/// `global` is not read and may lie anywhere.
__device__ inline void cp_async(void* shared, const void* global, bool wanted) {
  TWEED_SM80("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)),
             "l"(global), "r"(wanted ? 16 : 0)
             : "memory");
}
/// Ends a group of copies.
__device__ inline void cp_async_commit() { TWEED_SM80("cp.async.commit_group;" ::: "memory"); }
/// Waits until all of the thread's groups but the last `groups` have arrived. Other threads see
/// them after the next barrier.
template <int groups>
__device__ inline void cp_async_wait() {
  TWEED_SM80("cp.async.wait_group %0;" ::"n"(groups) : "memory");
}

/// Lane i names row i % 8 of matrix i / 8: 16 bytes, aligned to 16. to[j] of a lane: of matrix j,
/// row g, the 4 bytes at column t.
__device__ inline void ldmatrix(uint32_t (&to)[4], const void* row) {
  TWEED_SM80("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
             : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
             : "r"(shared_address(row))
             : "memory");
}
/// The same with each matrix transposed: to[j] holds column g of rows 2t and 2t + 1.
__device__ inline void ldmatrix_trans(uint32_t (&to)[4], const void* row) {
  TWEED_SM80("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
             : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
             : "r"(shared_address(row))
             : "memory");
}

/// sums (16 x 8) += a (16 x 16) b (16 x 8), bf16 factors, float sums.
__device__ inline void mma_bf16(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  TWEED_SM80(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
/// sums (16 x 8) += a (16 x 8) b (8 x 8), factors from to_tf32, float sums.
__device__ inline void mma_tf32(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  TWEED_SM80(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
/// Pins a value to a register: compilers would rather compute it anew in every turn of a loop.
__device__ inline void pin(int& x) { asm volatile("" : "+r"(x)); }
/// Rounded to 10 bits of fraction, halves away from zero; NaN stays NaN.
__device__ inline uint32_t to_tf32(float x) {
  uint32_t u;
  TWEED_SM80("cvt.rna.tf32.f32 %0, %1;" : "=r"(u) : "f"(x));
  return u;
}

#undef TWEED_SM80
#endif

}  // namespace tweed::MACHINE
