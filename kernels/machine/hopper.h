// Instructions of compute capability 9.0 alone, one function each: `cuda`, compiled for sm_90a.
// Never run on a GPU: the emulated one (emulator/) is their only witness.
//
// mbarrier     a counter in shared memory: a phase ends when its arrivals are there, and the
//              bytes that copies were announced to bring; who waits names the phase's parity
// TMA          one thread asks for a tile of a tensor, which a map describes; it comes to
//              shared memory, and its bytes to an mbarrier
// wgmma        four warps multiply 64 rows of A by B, both in shared memory, while they go on
//
// The sums of wgmma, 64 x N: thread t of the four warps has in sums[j] row t / 32 * 16 + t % 32 / 4
// + 8 (j / 2 % 2), column 8 (j / 4) + 2 (t % 4) + j % 2 (PTX ISA, "wgmma", register fragments).
#pragma once
#include <cuda.h>

#include "kernels/machine/tensor_cores.h"

namespace tweed::cuda {

// ---- mbarriers ----------------------------------------------------------------------------------

__device__ inline void mbarrier_init(uint64_t* m, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(m)), "r"(arrivals)
               : "memory");
}
/// Lets copies see the mbarriers that this thread has made; other threads see them after the next
/// barrier.
__device__ inline void mbarrier_init_fence() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
__device__ inline void mbarrier_arrive(uint64_t* m) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(m)) : "memory");
}
__device__ inline void mbarrier_arrive_expecting(uint64_t* m, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(m)),
               "r"(bytes)
               : "memory");
}
/// Waits until a phase of that parity has ended; the one before the first counts as of parity 1.
/// After seconds, in which a GPU does all that a kernel could wait for, it traps: an error names
/// the kernel, where a hang would take the GPU from everybody.
__device__ inline void mbarrier_wait(uint64_t* m, uint32_t parity) {
  uint32_t ended = 0;
  for (uint32_t tries = 0; !ended; ++tries) {
    if (tries == 1u << 27) __trap();
    asm volatile(
        "{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n}"
        : "=r"(ended)
        : "r"(shared_address(m)), "r"(parity)
        : "memory");
  }
}

/// Where so many threads of the block meet, all that name the number; 0 is that of __syncthreads().
template <int number, int threads>
__device__ inline void named_barrier() {
  asm volatile("bar.sync %0, %1;" ::"n"(number), "n"(threads) : "memory");
}

// ---- copies -------------------------------------------------------------------------------------

/// A tile of two or three dimensions, from the coordinates on, the innermost first.
__device__ inline void tma_load(void* to, const CUtensorMap& map, uint64_t* m, int x, int y) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
      " [%0], [%1, {%3, %4}], [%2];" ::"r"(shared_address(to)),
      "l"(&map), "r"(shared_address(m)), "r"(x), "r"(y)
      : "memory");
}
__device__ inline void tma_load(void* to, const CUtensorMap& map, uint64_t* m, int x, int y,
                                int z) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
      " [%0], [%1, {%3, %4, %5}], [%2];" ::"r"(shared_address(to)),
      "l"(&map), "r"(shared_address(m)), "r"(x), "r"(y), "r"(z)
      : "memory");
}
/// Pixels of images (N, H, W, C), from channel c on: those that windows have `right` and `down` of
/// their corner, one window after the other from (n, h, w) on, as the map places them.
__device__ inline void tma_load_pixels(void* to, const CUtensorMap& map, uint64_t* m, int c, int w,
                                       int h, int n, int right, int down) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes"
      " [%0], [%1, {%3, %4, %5, %6}], [%2], {%7, %8};" ::"r"(shared_address(to)),
      "l"(&map), "r"(shared_address(m)), "r"(c), "r"(w), "r"(h), "r"(n), "h"(uint16_t(right)),
      "h"(uint16_t(down))
      : "memory");
}

// ---- products -----------------------------------------------------------------------------------

/// Before the first product, and after sums were touched.
__device__ inline void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
/// Ends a group of products.
__device__ inline void wgmma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
/// Waits for all groups but the last `groups`.
template <int groups>
__device__ inline void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(groups) : "memory");
}

/// After the wait: keeps nvcc from computing with sums before it, which they do not depend on as
/// far as nvcc can see.
template <int n>
__device__ inline void pin(float (&sums)[n]) {
#pragma unroll
  for (int j = 0; j < n; ++j) asm volatile("" : "+f"(sums[j])::"memory");
}

/// A matrix in shared memory whose rows (of k, or of the other axis) are 128 bytes, their chunks of
/// 16 exchanged as TMA's widest swizzle does. Bytes: `stride` from eight rows to the next eight,
/// `leading` from 64 numbers of the rows' axis to the next 64, where that is not k.
__device__ inline uint64_t wgmma_matrix(const void* at, int stride, int leading) {
  return uint64_t(shared_address(at) >> 4 & 0x3fff) | uint64_t(leading >> 4) << 16 |
         uint64_t(stride >> 4) << 32 | uint64_t(1) << 62;
}
/// What is added to a matrix for one that begins so many bytes later.
constexpr uint64_t wgmma_further(int bytes) { return uint64_t(bytes >> 4); }

#define TWEED_EIGHT(d, k)                                                                     \
  "+f"(d[k]), "+f"(d[k + 1]), "+f"(d[k + 2]), "+f"(d[k + 3]), "+f"(d[k + 4]), "+f"(d[k + 5]), \
      "+f"(d[k + 6]), "+f"(d[k + 7])
#define TWEED_NAMES_32                                                           \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, " \
  "%17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}"
#define TWEED_NAMES_64                                                           \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, " \
  "%17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "  \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, "  \
  "%47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, "  \
  "%62, %63}"
#define TWEED_NAMES_128                                                          \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, " \
  "%17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "  \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, "  \
  "%47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, "  \
  "%62, %63, %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, "  \
  "%77, %78, %79, %80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, "  \
  "%92, %93, %94, %95, %96, %97, %98, %99, %100, %101, %102, %103, %104, %105, " \
  "%106, %107, %108, %109, %110, %111, %112, %113, %114, %115, %116, %117, "     \
  "%118, %119, %120, %121, %122, %123, %124, %125, %126, %127}"

/// sums = a b, or with `adds` sums + a b: 64 x N x 16 numbers of bf16. With `across`, the rows of
/// both are k, and each holds 64 numbers of the other axis.
template <bool across>
__device__ inline void wgmma_bf16(float (&d)[32], uint64_t a, uint64_t b, bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " TWEED_NAMES_32
      ", %32, %33, p, 1, 1, %35, %36;\n}"
      : TWEED_EIGHT(d, 0), TWEED_EIGHT(d, 8), TWEED_EIGHT(d, 16), TWEED_EIGHT(d, 24)
      : "l"(a), "l"(b), "r"(int(adds)), "n"(int(across)), "n"(int(across)));
}
template <bool across>
__device__ inline void wgmma_bf16(float (&d)[64], uint64_t a, uint64_t b, bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 " TWEED_NAMES_64
      ", %64, %65, p, 1, 1, %67, %68;\n}"
      : TWEED_EIGHT(d, 0), TWEED_EIGHT(d, 8), TWEED_EIGHT(d, 16), TWEED_EIGHT(d, 24),
        TWEED_EIGHT(d, 32), TWEED_EIGHT(d, 40), TWEED_EIGHT(d, 48), TWEED_EIGHT(d, 56)
      : "l"(a), "l"(b), "r"(int(adds)), "n"(int(across)), "n"(int(across)));
}
template <bool across>
__device__ inline void wgmma_bf16(float (&d)[128], uint64_t a, uint64_t b, bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %130, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 " TWEED_NAMES_128
      ", %128, %129, p, 1, 1, %131, %132;\n}"
      : TWEED_EIGHT(d, 0), TWEED_EIGHT(d, 8), TWEED_EIGHT(d, 16), TWEED_EIGHT(d, 24),
        TWEED_EIGHT(d, 32), TWEED_EIGHT(d, 40), TWEED_EIGHT(d, 48), TWEED_EIGHT(d, 56),
        TWEED_EIGHT(d, 64), TWEED_EIGHT(d, 72), TWEED_EIGHT(d, 80), TWEED_EIGHT(d, 88),
        TWEED_EIGHT(d, 96), TWEED_EIGHT(d, 104), TWEED_EIGHT(d, 112), TWEED_EIGHT(d, 120)
      : "l"(a), "l"(b), "r"(int(adds)), "n"(int(across)), "n"(int(across)));
}
#undef TWEED_EIGHT
#undef TWEED_NAMES_32
#undef TWEED_NAMES_64
#undef TWEED_NAMES_128

// ---- warps with a task of their own -------------------------------------------------------------

/// Four warps give registers back, or take them, so that each thread has that many.
template <int registers>
__device__ inline void keep_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(registers));
}
template <int registers>
__device__ inline void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(registers));
}

}  // namespace tweed::cuda
