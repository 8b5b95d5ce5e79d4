// Mistakes in kernels of compute capability 9.0 and around them.
#include "../hopper.h"
#include "planted.h"

namespace {

constexpr int n = 128;  // threads of a block, floats of x and y
constexpr const char* here = "planted_hopper.cu";
constexpr uint32_t bytes = n * sizeof(float);

struct Arrays {
  float *x = nullptr, *y = nullptr;
  Arrays() {
    std::vector<float> values(n);
    for (int i = 0; i < n; ++i) values[i] = float(i + 1);
    checked(cudaMalloc(&x, bytes));
    checked(cudaMalloc(&y, bytes));
    checked(cudaMemcpy(x, values.data(), bytes, cudaMemcpyHostToDevice));
  }
  // Whether y is what x was, plus something.
  bool right(float plus = 0) const {
    std::vector<float> values(n);
    checked(cudaGetLastError());
    checked(cudaDeviceSynchronize());
    checked(cudaMemcpy(values.data(), y, bytes, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; ++i)
      if (values[i] != float(i + 1) + plus) return false;
    return true;
  }
};
using Kernel = void(bool, const float*, float*);
template <Kernel* kernel>
bool copies(bool bug) {
  const Arrays a;
  kernel<<<1, n>>>(bug, a.x, a.y);
  return a.right();
}

// ---- mbarriers ---------------------------------------------------------------------------------

__device__ void begin(uint64_t* full, int arrivals = 1) {
  if (threadIdx.x == 0) make(full, arrivals), show_made();
  __syncthreads();
}
__global__ void copy_not_awaited(bool bug, const float* x, float* y) {
  __shared__ __align__(128) float s[n];
  __shared__ uint64_t full;
  begin(&full);
  if (threadIdx.x == 0) arrive_expecting(&full, bytes), bulk_load(s, x, bytes, &full);
  if (!bug) wait(&full, 0);
  y[threadIdx.x] = s[threadIdx.x];
  if (bug) wait(&full, 0);
}
__global__ void wrong_parity(bool bug, const float* x, float* y) {
  __shared__ __align__(128) float s[n];
  __shared__ uint64_t full;
  begin(&full);
  if (threadIdx.x == 0) arrive_expecting(&full, bytes), bulk_load(s, x, bytes, &full);
  wait(&full, bug);  // BUG: wrong_parity
  y[threadIdx.x] = s[threadIdx.x];
  if (bug) wait(&full, 0);
}
__global__ void expects_too_much(bool bug, const float* x, float* y) {
  __shared__ __align__(128) float s[n];
  __shared__ uint64_t full;
  begin(&full);
  if (threadIdx.x == 0) {
    const uint32_t announced = bytes + 16 * bug;
    arrive_expecting(&full, announced);  // BUG: expects_too_much
    bulk_load(s, x, bytes, &full);
  }
  wait(&full, 0);
  y[threadIdx.x] = s[threadIdx.x];
}
__global__ void expects_too_little(bool bug, const float* x, float* y) {
  __shared__ __align__(128) float s[n];
  __shared__ uint64_t full;
  begin(&full);
  if (threadIdx.x == 0) arrive_expecting(&full, bytes - 16 * bug), bulk_load(s, x, bytes, &full);
  wait(&full, 0);  // BUG: expects_too_little
  y[threadIdx.x] = s[threadIdx.x];
}
__global__ void too_few_arrive(bool bug, const float* x, float* y) {
  __shared__ uint64_t full;
  begin(&full, n);
  y[threadIdx.x] = x[threadIdx.x];
  if (!bug || threadIdx.x != 5) arrive(&full);
  if (threadIdx.x < 32) wait(&full, 0);  // BUG: too_few_arrive
}
__global__ void no_mbarrier(bool bug, const float* x, float* y) {
  __shared__ uint64_t full;
  if (!bug) begin(&full, n);
  arrive(&full);  // BUG: no_mbarrier
  y[threadIdx.x] = x[threadIdx.x];
}
__global__ void mbarrier_overwritten(bool bug, const float* x, float* y) {
  __shared__ uint64_t s[2];
  begin(&s[0], n);
  if (bug && threadIdx.x == 0) *const_cast<volatile uint64_t*>(&s[0]) = 0;
  __syncthreads();
  arrive(&s[0]);  // BUG: mbarrier_overwritten
  y[threadIdx.x] = x[threadIdx.x];
}
__global__ void mbarrier_not_shown(bool bug, const float* x, float* y) {
  __shared__ __align__(128) float s[n];
  __shared__ uint64_t full;
  if (threadIdx.x == 0) {
    make(&full, 1);
    if (!bug) show_made();
    arrive_expecting(&full, bytes);
    bulk_load(s, x, bytes, &full);  // BUG: mbarrier_not_shown
  }
  __syncthreads();
  wait(&full, 0);
  y[threadIdx.x] = s[threadIdx.x];
}
// A warp that brings two pieces, one after the other, to the same place.
__global__ void refilled_too_early(bool bug, const float* x, float* y) {
  __shared__ __align__(128) float s[n / 2];
  __shared__ uint64_t full, empty;
  begin(&full);
  begin(&empty, n / 2);
  if (threadIdx.x >= n / 2) {
    for (int k = 0; k < 2 && threadIdx.x == n / 2; ++k) {
      if (!bug) wait(&empty, k ^ 1);
      arrive_expecting(&full, bytes / 2);  // BUG: refilled_too_early
      bulk_load(s, x + k * n / 2, bytes / 2, &full);
    }
    return;
  }
  for (int k = 0; k < 2; ++k) {
    wait(&full, k);
    y[k * n / 2 + threadIdx.x] = s[threadIdx.x];
    arrive(&empty);
  }
}
__global__ void barrier_of_another_count(bool bug, const float* x, float* y) {
  const int count = bug ? 128 : 64;
  if (threadIdx.x < 64) bar_sync(1, count);  // BUG: barrier_of_another_count
  y[threadIdx.x] = x[threadIdx.x];
}

// ---- copies out of shared memory ---------------------------------------------------------------

__global__ void not_fenced(bool bug, const float* x, float* y) {
  __shared__ __align__(128) float s[n];
  s[threadIdx.x] = x[threadIdx.x];  // BUG: not_fenced
  if (!bug || threadIdx.x != 77) fence_async();
  __syncthreads();
  if (threadIdx.x == 0) bulk_store(y, s, bytes), bulk_commit(), bulk_wait();
}
__global__ void fenced_by_another(bool bug, const float* x, float* y) {
  __shared__ __align__(128) float s[n];
  s[threadIdx.x] = x[threadIdx.x];  // BUG: fenced_by_another
  if (!bug) fence_async();
  __syncthreads();
  if (threadIdx.x == 0) fence_async(), bulk_store(y, s, bytes), bulk_commit(), bulk_wait();
}
__global__ void ends_before_read(bool bug, const float* x, float* y) {
  __shared__ __align__(128) float s[n];
  s[threadIdx.x] = x[threadIdx.x];
  fence_async();
  __syncthreads();
  if (threadIdx.x == 0) {
    bulk_store(y, s, bytes);  // BUG: ends_before_read
    bulk_commit();
    if (!bug) bulk_wait_read();
  }
}
__global__ void group_not_committed(bool bug, const float* x, float* y) {
  __shared__ __align__(128) float s[n];
  s[threadIdx.x] = x[threadIdx.x];
  fence_async();
  __syncthreads();
  if (threadIdx.x == 0) {
    bulk_store(y, s, bytes);  // BUG: group_not_committed
    if (!bug) bulk_commit();
    bulk_wait();
  }
}
__global__ void changed_before_read(bool bug, const float* x, float* y) {
  __shared__ __align__(128) float s[n];
  s[threadIdx.x] = x[threadIdx.x];
  fence_async();
  __syncthreads();
  if (threadIdx.x == 0) bulk_store(y, s, bytes), bulk_commit();
  if (threadIdx.x == 0 && !bug) bulk_wait_read();
  __syncthreads();
  s[threadIdx.x] = -1;
  __syncthreads();
  if (threadIdx.x == 0) bulk_wait();
}

// ---- tensor maps -------------------------------------------------------------------------------

__global__ void copy_tile(const __grid_constant__ CUtensorMap map, int shift, float* y) {
  __shared__ __align__(1024) float s[2 * n];
  __shared__ uint64_t full;
  begin(&full);
  if (threadIdx.x == 0) {
    arrive_expecting(&full, bytes);
    load_2d(s + shift, &map, 0, 0, &full);  // BUG: tile_misaligned
  }
  wait(&full, 0);
  if (threadIdx.x < n) y[threadIdx.x] = s[shift + threadIdx.x];
}
__global__ void map_copied(bool bug, CUtensorMap map, const __grid_constant__ CUtensorMap constant,
                           float* y) {
  __shared__ __align__(128) float s[n];
  __shared__ uint64_t full;
  begin(&full);
  if (threadIdx.x == 0) {
    if (bug) map.opaque[15] = y != nullptr;  // so that it is a copy
    arrive_expecting(&full, bytes);
    load_2d(s, bug ? &map : &constant, 0, 0, &full);  // BUG: map_copied
  }
  wait(&full, 0);
  y[threadIdx.x] = s[threadIdx.x];
}
struct Given {
  int shift = 0, at = 0, rows = 8;
  int x_offset = 0, box = 16, stride = 64;
  CUtensorMapSwizzle swizzle = CU_TENSOR_MAP_SWIZZLE_NONE;
};
bool copy_by_map(const Given& g) {
  const Arrays a;
  alignas(64) CUtensorMap map[2];
  auto* place = reinterpret_cast<CUtensorMap*>(reinterpret_cast<char*>(map) + g.at);
  checked(tiled_map(
      *place, a.x + g.x_offset,
      {.swizzle = g.swizzle, .sizes = {16, cuuint64_t(g.rows)}, .strides = {cuuint64_t(g.stride)}},
      {cuuint32_t(g.box), 8}));
  copy_tile<<<1, n>>>(map[0], g.shift, a.y);
  return a.right();
}
bool tile_misaligned(bool bug) { return copy_by_map({.shift = bug ? 16 : 32}); }
bool map_misaligned(bool bug) { return copy_by_map({.at = bug ? 32 : 0}); }
bool tensor_misaligned(bool bug) { return copy_by_map({.x_offset = bug ? 2 : 0}); }
bool stride_misaligned(bool bug) { return copy_by_map({.stride = bug ? 72 : 64}); }
bool box_too_large(bool bug) { return copy_by_map({.box = bug ? 260 : 16}); }
bool row_too_long(bool bug) {
  return copy_by_map({.swizzle = bug ? CU_TENSOR_MAP_SWIZZLE_32B : CU_TENSOR_MAP_SWIZZLE_NONE});
}
bool tensor_too_large(bool bug) { return copy_by_map({.stride = bug ? 128 : 64}); }
bool run_map_copied(bool bug) {
  const Arrays a;
  alignas(64) CUtensorMap map;
  checked(tiled_map(map, a.x, {.sizes = {16, 8}}, {16, 8}));
  map_copied<<<1, n>>>(bug, map, map, a.y);
  return a.right();
}

// ---- products ----------------------------------------------------------------------------------

enum Slip { none, early, unfenced, other_swizzle, released, unwritten };
// y[thread] = the thread's first sum of a product, computed twice over.
__global__ void product(Slip slip, const float*, float* y) {
  __shared__ __align__(1024) bf16 s[2 * 64 * 32];
  for (int i = threadIdx.x; i < 2 * 64 * 32; i += n)
    s[i] = __float2bfloat16(float(i < 64 * 32 ? i % 32 / 8 : i % 32 / 8 % 2));
  if (slip != unwritten) fence_async();
  __syncthreads();
  const int mode = slip == other_swizzle ? 1 : 0;
  const uint64_t a = matrix(address(s), 128, 256, mode),
                 b = matrix(address(s) + 4096, 128, 256, mode);
  float d[32];
  for (float& v : d) v = 0;
  if (slip != unfenced) wgmma_fence();
  for (int k = 0; k < 2; ++k) wgmma_64<0, 0>(d, a, b, k > 0);
  wgmma_commit();
  if (slip == released) s[threadIdx.x] = __float2bfloat16(5.f);
  float sum = d[0];
  if (slip != early) {
    wgmma_wait<0>();
    sum = d[0];
  }
  y[threadIdx.x] = sum;
  if (slip == early) wgmma_wait<0>();
}
template <Slip slip>
bool run_product(bool bug) {
  const Arrays a;
  std::vector<float> got(n);
  product<<<1, n>>>(bug ? slip : none, a.x, a.y);
  checked(cudaGetLastError());
  checked(cudaDeviceSynchronize());
  checked(cudaMemcpy(got.data(), a.y, bytes, cudaMemcpyDeviceToHost));
  // The same by hand: core matrices of 8 rows x 16 bytes, those of one row 128 bytes apart.
  for (int t = 0; t < n; ++t) {
    float sum = 0;
    auto at = [](int row, int k) {
      return (row / 8 * 256 + k / 8 * 128 + row % 8 * 16) / 2 + k % 8;
    };
    for (int k = 0; k < 16; ++k) {
      const int i = at(row_of(t, 0), k), j = at(column_of(t, 0), k);
      sum += 2 * float(i % 32 / 8) * float(j % 32 / 8 % 2);
    }
    if (got[t] != sum) return false;
  }
  return true;
}
__global__ void three_warps(bool bug, const float* x, float* y) {
  float d[8] = {};
  const uint32_t a[4] = {};
  __shared__ __align__(128) bf16 s[16 * 16];
  s[threadIdx.x] = s[threadIdx.x + 128] = __float2bfloat16(1.f);
  fence_async();
  __syncthreads();
  wgmma_fence();
  wgmma_registers(d, a, matrix(address(s), 256, 128, 0));  // BUG: three_warps
  wgmma_commit();
  wgmma_wait<0>();
  y[threadIdx.x] = x[threadIdx.x] + d[0];
}
bool run_three_warps(bool bug) {
  const Arrays a;
  if (bug) checked(cudaMemcpy(a.y, a.x, bytes, cudaMemcpyDeviceToDevice));
  three_warps<<<1, bug ? 96 : 128>>>(bug, a.x, a.y);
  return a.right();
}

// ---- clusters ----------------------------------------------------------------------------------

__global__ __cluster_dims__(2, 1, 1) void neighbour_has_ended(bool bug, const float* x, float* y) {
  __shared__ float s[n];
  s[threadIdx.x] = x[threadIdx.x];
  cluster_sync();
  if (bug && cluster_rank() == 0) return;
  const uint32_t other = in_block(address(s + threadIdx.x), cluster_rank() ^ 1);
  const float v = read_in_cluster(other);  // BUG: neighbour_has_ended
  if (cluster_rank() == 1) y[threadIdx.x] = v;
  if (!bug) cluster_sync();
}
__global__ __cluster_dims__(2, 1, 1) void cluster_not_met(bool bug, const float* x, float* y) {
  __shared__ float s[n];
  const uint32_t other = in_block(address(s + threadIdx.x), cluster_rank() ^ 1);
  s[threadIdx.x] = x[threadIdx.x];
  if (!bug) cluster_sync();
  const float v = read_in_cluster(other);
  if (cluster_rank() == 0) y[threadIdx.x] = v;
  cluster_sync();
}
template <Kernel* kernel>
bool in_cluster(bool bug) {
  const Arrays a;
  kernel<<<2, n>>>(bug, a.x, a.y);
  return a.right();
}
__global__ void plain(const float* x, float* y) {
  if (blockIdx.x == 0) y[threadIdx.x] = x[threadIdx.x];
}
bool cluster_too_large(bool bug) {
  const Arrays a;
  cudaLaunchAttribute blocks{.id = cudaLaunchAttributeClusterDimension};
  blocks.val.clusterDim = {bug ? 16u : 8u, 1, 1};
  cudaLaunchConfig_t c{
      .gridDim = {16, 1, 1}, .blockDim = {n, 1, 1}, .attrs = &blocks, .numAttrs = 1};
  const float* x = a.x;
  checked(cudaLaunchKernelEx(&c, plain, x, a.y));
  return a.right();
}
bool for_another_gpu(bool bug) {
  if (bug) setenv("EMULATOR_ARCH", "100", 1);
  const Arrays a;
  plain<<<1, n>>>(a.x, a.y);
  return a.right();
}

}  // namespace

std::vector<Planted> planted_in_hopper() {
  using enum Found;
  std::vector<Planted> all = {
      {"copy_not_awaited", wrong, nullptr, nullptr, nullptr, copies<copy_not_awaited>},
      {"wrong_parity", error, "waits for parity 1", here, nullptr, copies<wrong_parity>},
      {"expects_too_much", error, "16 bytes are missing", here, nullptr, copies<expects_too_much>},
      {"expects_too_little", error, "-16 bytes are missing", here, nullptr,
       copies<expects_too_little>},
      {"too_few_arrive", error, "1 of 128 arrivals", here, nullptr, copies<too_few_arrive>},
      {"no_mbarrier", error, "no mbarrier was made", here, nullptr, copies<no_mbarrier>},
      {"mbarrier_overwritten", error, "was overwritten", here, nullptr,
       copies<mbarrier_overwritten>},
      {"mbarrier_not_shown", error, "no fence.mbarrier_init", here, nullptr,
       copies<mbarrier_not_shown>},
      {"refilled_too_early", error, "1 arrivals at an mbarrier that waits for 0 more", here,
       nullptr, copies<refilled_too_early>},
      {"barrier_of_another_count", error, "the kernel hangs", here, nullptr,
       copies<barrier_of_another_count>},
      {"not_fenced", error, "was written by thread 77", here, nullptr, copies<not_fenced>},
      {"fenced_by_another", error, "no fence.proxy.async of that thread", here, nullptr,
       copies<fenced_by_another>},
      {"ends_before_read", error, "no cp.async.bulk.wait_group for it", here, nullptr,
       copies<ends_before_read>},
      {"group_not_committed", error, "no cp.async.bulk.wait_group for it", here, nullptr,
       copies<group_not_committed>},
      {"changed_before_read", wrong, nullptr, nullptr, nullptr, copies<changed_before_read>},
      {"tile_misaligned", error, "is not aligned to 128 bytes", here, nullptr, tile_misaligned},
      {"map_misaligned", error, "the map is not aligned to 64 bytes", nullptr, nullptr,
       map_misaligned},
      {"tensor_misaligned", error, "globalAddress is not aligned to 16 bytes", nullptr, nullptr,
       tensor_misaligned},
      {"stride_misaligned", error, "globalStrides[0] is 72", nullptr, nullptr, stride_misaligned},
      {"box_too_large", error, "boxDim[0] is 260, not 1 to 256", nullptr, nullptr, box_too_large},
      {"row_too_long", error, "64 bytes, more than the swizzle of 32", nullptr, nullptr,
       row_too_long},
      {"tensor_too_large", error, "past the end of an allocation of 512 bytes", nullptr, nullptr,
       tensor_too_large},
      {"map_copied", error, "must be __grid_constant__", here, nullptr, run_map_copied},
      {"sums_read_early", wrong, nullptr, nullptr, nullptr, run_product<early>},
      {"no_wgmma_fence", error, "no wgmma.fence", nullptr, nullptr, run_product<unfenced>},
      {"other_swizzle", wrong, nullptr, nullptr, nullptr, run_product<other_swizzle>},
      {"released_before_product", error, "with no fence.proxy.async", nullptr, nullptr,
       run_product<released>},
      {"product_not_fenced", error, "with no fence.proxy.async", nullptr, nullptr,
       run_product<unwritten>},
      {"three_warps", error, "wgmma needs four warps", here, nullptr, run_three_warps},
      {"neighbour_has_ended", error, "which has ended", here, nullptr,
       in_cluster<neighbour_has_ended>},
      {"cluster_not_met", wrong, nullptr, nullptr, nullptr, in_cluster<cluster_not_met>},
      {"cluster_too_large", error, "clusters of 16 blocks", nullptr, nullptr, cluster_too_large},
      {"for_another_gpu", error, "for sm_90a only", nullptr, nullptr, for_another_gpu},
  };
  for (auto& p : all) p.arch = "EMULATOR_ARCH=90";
  return all;
}
