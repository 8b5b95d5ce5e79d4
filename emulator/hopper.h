// PTX of compute capability 9.0 as functions, for the tests, and what makes tensor maps.
#pragma once
#include <cuda.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <vector>

using bf16 = __nv_bfloat16;

__device__ inline uint32_t address(const void* p) { return uint32_t(__cvta_generic_to_shared(p)); }

// ---- mbarriers ---------------------------------------------------------------------------------

__device__ inline void make(uint64_t* m, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(address(m)), "r"(arrivals)
               : "memory");
}
__device__ inline void unmake(uint64_t* m) {
  asm volatile("mbarrier.inval.shared::cta.b64 [%0];" ::"r"(address(m)) : "memory");
}
__device__ inline void show_made() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
__device__ inline void arrive(uint64_t* m) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(address(m)) : "memory");
}
__device__ inline void arrive_at(uint32_t in_cluster) {
  asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" ::"r"(in_cluster)
               : "memory");
}
__device__ inline void arrive_expecting(uint64_t* m, uint32_t bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(address(m)),
               "r"(bytes)
               : "memory");
}
__device__ inline bool has_ended(uint64_t* m, uint32_t parity) {  // asks, and does not wait
  uint32_t yes;
  asm volatile(
      "{\n.reg .pred p;\nmbarrier.test_wait.parity.shared::cta.b64 p, [%1], %2;\n"
      "selp.u32 %0, 1, 0, p;\n}"
      : "=r"(yes)
      : "r"(address(m)), "r"(parity)
      : "memory");
  return yes;
}
__device__ inline void wait(uint64_t* m, uint32_t parity) {
  uint32_t yes = 0;
  while (!yes)
    asm volatile(
        "{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n}"
        : "=r"(yes)
        : "r"(address(m)), "r"(parity)
        : "memory");
}
__device__ inline void fence_async() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

__device__ inline void bar_sync(int barrier, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

// ---- copies ------------------------------------------------------------------------------------

__device__ inline void bulk_load(void* to, const void* from, uint32_t bytes, uint64_t* m) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(address(to)),
      "l"(from), "r"(bytes), "r"(address(m))
      : "memory");
}
__device__ inline void bulk_store(void* to, const void* from, uint32_t bytes) {
  asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(to),
               "r"(address(from)), "r"(bytes)
               : "memory");
}
__device__ inline void bulk_commit() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }
__device__ inline void bulk_wait() { asm volatile("cp.async.bulk.wait_group 0;" ::: "memory"); }
__device__ inline void bulk_wait_read() {
  asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");
}

#define TILE_LOAD(dimensions) \
  "cp.async.bulk.tensor." dimensions ".shared::cluster.global.tile.mbarrier::complete_tx::bytes "
__device__ inline void load_2d(void* to, const CUtensorMap* map, int x, int y, uint64_t* m) {
  asm volatile(TILE_LOAD("2d") "[%0], [%1, {%2, %3}], [%4];" ::"r"(address(to)), "l"(map), "r"(x),
               "r"(y), "r"(address(m))
               : "memory");
}
__device__ inline void load_1d(void* to, const CUtensorMap* map, int x, uint64_t* m) {
  asm volatile(TILE_LOAD("1d") "[%0], [%1, {%2}], [%3];" ::"r"(address(to)), "l"(map), "r"(x),
               "r"(address(m))
               : "memory");
}
__device__ inline void load_5d(void* to, const CUtensorMap* map, int a, int b, int c, int d, int e,
                               uint64_t* m) {
  asm volatile(TILE_LOAD("5d") "[%0], [%1, {%2, %3, %4, %5, %6}], [%7];" ::"r"(address(to)),
               "l"(map), "r"(a), "r"(b), "r"(c), "r"(d), "r"(e), "r"(address(m))
               : "memory");
}
__device__ inline void load_2d_to_all(void* to, const CUtensorMap* map, int x, int y, uint64_t* m,
                                      uint16_t blocks) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
      ".multicast::cluster [%0], [%1, {%2, %3}], [%4], %5;" ::"r"(address(to)),
      "l"(map), "r"(x), "r"(y), "r"(address(m)), "h"(blocks)
      : "memory");
}
#define PIXEL_LOAD(dimensions)                             \
  "cp.async.bulk.tensor." dimensions                       \
  ".shared::cluster.global.im2col.mbarrier::complete_tx::" \
  "bytes "
__device__ inline void load_pixels_3d(void* to, const CUtensorMap* map, int c, int w, int n,
                                      uint16_t dw, uint64_t* m) {
  asm volatile(PIXEL_LOAD("3d") "[%0], [%1, {%2, %3, %4}], [%5], {%6};" ::"r"(address(to)),
               "l"(map), "r"(c), "r"(w), "r"(n), "r"(address(m)), "h"(dw)
               : "memory");
}
__device__ inline void load_pixels_4d(void* to, const CUtensorMap* map, int c, int w, int h, int n,
                                      uint16_t dw, uint16_t dh, uint64_t* m) {
  asm volatile(PIXEL_LOAD("4d") "[%0], [%1, {%2, %3, %4, %5}], [%6], {%7, %8};" ::"r"(address(to)),
               "l"(map), "r"(c), "r"(w), "r"(h), "r"(n), "r"(address(m)), "h"(dw), "h"(dh)
               : "memory");
}
__device__ inline void store_2d(const CUtensorMap* map, int x, int y, const void* from) {
  asm volatile(
      "cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%1, %2}], [%3];" ::"l"(map),
      "r"(x), "r"(y), "r"(address(from))
      : "memory");
}

// ---- products ----------------------------------------------------------------------------------

__device__ inline void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void wgmma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int left>
__device__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(left) : "memory");
}
// A matrix in shared memory: mode 0: no swizzle, 1: 128 bytes, 2: 64, 3: 32.
__device__ inline uint64_t matrix(uint32_t at, uint32_t leading, uint32_t stride, int mode) {
  return uint64_t(at >> 4 & 0x3fff) | uint64_t(leading >> 4) << 16 | uint64_t(stride >> 4) << 32 |
         uint64_t(mode) << 62;
}
#define EIGHT(d, k)                                                                           \
  "+f"(d[k]), "+f"(d[k + 1]), "+f"(d[k + 2]), "+f"(d[k + 3]), "+f"(d[k + 4]), "+f"(d[k + 5]), \
      "+f"(d[k + 6]), "+f"(d[k + 7])
#define NAMES_8 "{%0, %1, %2, %3, %4, %5, %6, %7}"
#define NAMES_32                                                                           \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, " \
  "%19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}"
// 64 x 64, both sides in shared memory, K-major or not.
template <int mn_a, int mn_b>
__device__ void wgmma_64(float (&d)[32], uint64_t a, uint64_t b, int adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " NAMES_32
      ", %32, %33, p, 1, 1, %35, %36;\n}"
      : EIGHT(d, 0), EIGHT(d, 8), EIGHT(d, 16), EIGHT(d, 24)
      : "l"(a), "l"(b), "r"(adds), "n"(mn_a), "n"(mn_b));
}
// 64 x 16: A in registers; other types; `sign` of A's numbers.
__device__ inline void wgmma_registers(float (&d)[8], const uint32_t (&a)[4], uint64_t b) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, 1, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 " NAMES_8
      ", {%8, %9, %10, %11}, %12, p, 1, 1, 0;\n}"
      : EIGHT(d, 0)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}
template <int sign>
__device__ void wgmma_half(float (&d)[8], uint64_t a, uint64_t b) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, 1, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n16k16.f32.f16.f16 " NAMES_8 ", %8, %9, p, %10, 1, 0, 0;\n}"
      : EIGHT(d, 0)
      : "l"(a), "l"(b), "n"(sign));
}
__device__ inline void wgmma_tf32(float (&d)[8], uint64_t a, uint64_t b) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, 1, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n16k8.f32.tf32.tf32 " NAMES_8 ", %8, %9, p, 1, 1;\n}"
      : EIGHT(d, 0)
      : "l"(a), "l"(b));
}
// Row and column of a thread's accumulator j, in 64 x N.
__host__ __device__ inline int row_of(int thread, int j) {
  return thread / 32 * 16 + thread % 32 / 4 + j / 2 % 2 * 8;
}
__host__ __device__ inline int column_of(int thread, int j) {
  return j / 4 * 8 + thread % 4 * 2 + j % 2;
}

// ---- clusters ----------------------------------------------------------------------------------

__device__ inline uint32_t cluster_rank() {
  uint32_t r;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(r));
  return r;
}
__device__ inline uint32_t in_block(uint32_t own, uint32_t rank) {
  uint32_t a;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(a) : "r"(own), "r"(rank));
  return a;
}
__device__ inline float read_in_cluster(uint32_t a) {
  float v;
  asm volatile("ld.shared::cluster.f32 %0, [%1];" : "=f"(v) : "r"(a) : "memory");
  return v;
}
__device__ inline void cluster_sync() {
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::
                   : "memory");
}

// ---- tensor maps -------------------------------------------------------------------------------

struct MapOf {
  CUtensorMapDataType type = CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
  CUtensorMapSwizzle swizzle = CU_TENSOR_MAP_SWIZZLE_NONE;
  CUtensorMapFloatOOBfill fill = CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE;
  std::vector<cuuint64_t> sizes;    ///< the innermost first
  std::vector<cuuint64_t> strides;  ///< in bytes, from the second on; empty: dense
  std::vector<cuuint32_t> steps;    ///< empty: 1
  int bytes() const { return type == CU_TENSOR_MAP_DATA_TYPE_FLOAT32 ? 4 : 2; }
  void complete() {
    cuuint64_t stride = cuuint64_t(bytes());
    for (std::size_t d = 0; strides.size() + 1 < sizes.size(); ++d)
      strides.push_back(stride *= sizes[d]);
    steps.resize(sizes.size(), 1);
  }
};
template <class F>
F* driver_function(const char* name) {
  void* p = nullptr;
  cudaDriverEntryPointQueryResult found;
  cudaGetDriverEntryPointByVersion(name, &p, 12000, cudaEnableDefault, &found);
  return reinterpret_cast<F*>(p);
}
inline int tiled_map(CUtensorMap& map, void* x, MapOf m, std::vector<cuuint32_t> box) {
  m.complete();
  return driver_function<decltype(cuTensorMapEncodeTiled)>("cuTensorMapEncodeTiled")(
      &map, m.type, cuuint32_t(m.sizes.size()), x, m.sizes.data(), m.strides.data(), box.data(),
      m.steps.data(), CU_TENSOR_MAP_INTERLEAVE_NONE, m.swizzle, CU_TENSOR_MAP_L2_PROMOTION_NONE,
      m.fill);
}
inline int pixel_map(CUtensorMap& map, void* x, MapOf m, std::vector<int> lower,
                     std::vector<int> upper, int channels, int pixels) {
  m.complete();
  return driver_function<decltype(cuTensorMapEncodeIm2col)>("cuTensorMapEncodeIm2col")(
      &map, m.type, cuuint32_t(m.sizes.size()), x, m.sizes.data(), m.strides.data(), lower.data(),
      upper.data(), cuuint32_t(channels), cuuint32_t(pixels), m.steps.data(),
      CU_TENSOR_MAP_INTERLEAVE_NONE, m.swizzle, CU_TENSOR_MAP_L2_PROMOTION_NONE, m.fill);
}
