#include "kernels/machine/kernel.h"
#include "kernels/machine/tensor_cores.h"
#include "tests/kernels/tensor_core_probe.h"

namespace tweed {
namespace MACHINE {

template <bool bf16>
__global__ void mma_kernel(const int32_t* __restrict__ a, const int32_t* __restrict__ b,
                           float* __restrict__ sums) {
  const int64_t at = int64_t(blockIdx.x) * 32 + threadIdx.x;
  uint32_t ra[4], rb[2];
  float c[4];
  for (int i = 0; i < 4; ++i) ra[i] = uint32_t(a[at * 4 + i]), c[i] = sums[at * 4 + i];
  for (int i = 0; i < 2; ++i) rb[i] = uint32_t(b[at * 2 + i]);
  if constexpr (bf16)
    mma_bf16(c, ra, rb);
  else
    mma_tf32(c, ra, rb);
  for (int i = 0; i < 4; ++i) sums[at * 4 + i] = c[i];
}

template <bool trans>
__global__ void ldmatrix_kernel(const int32_t* __restrict__ tile, const int32_t* __restrict__ rows,
                                int32_t* __restrict__ to) {
  __shared__ __align__(16) int32_t s[128];
  const int lane = int(threadIdx.x);
  for (int i = lane; i < 128; i += 32) s[i] = tile[i];
  __syncthreads();
  uint32_t r[4];
  if constexpr (trans)
    ldmatrix_trans(r, s + 4 * rows[lane]);
  else
    ldmatrix(r, s + 4 * rows[lane]);
  for (int j = 0; j < 4; ++j) to[4 * lane + j] = int32_t(r[j]);
}

__global__ void cp_async_kernel(const float* __restrict__ x, const int32_t* __restrict__ wanted,
                                float* __restrict__ y) {
  __shared__ __align__(16) float s[128];
  const int lane = int(threadIdx.x);
  for (int i = 0; i < 4; ++i) s[4 * lane + i] = -1;
  cp_async(s + 4 * lane, x + 4 * lane, wanted[lane] != 0);
  cp_async_commit();
  cp_async_wait<0>();
  for (int i = 0; i < 4; ++i) y[4 * lane + i] = s[4 * lane + i];
}

template <int pending>
__global__ void groups_kernel(int empty, int count, const float* __restrict__ x,
                              float* __restrict__ y) {
  __shared__ __align__(16) float s[512];
  const int lane = int(threadIdx.x);
  for (int g = 0; g < 4; ++g) {
    const int at = (32 * g + lane) * 4;
    cp_async(s + at, x + at, true);
    cp_async_commit();
  }
  for (int g = 0; g < empty; ++g) cp_async_commit();
  cp_async_wait<pending>();
  for (int g = 0; g < count; ++g)
    for (int i = 0; i < 4; ++i) {
      const int at = (32 * g + lane) * 4 + i;
      y[at] = s[at];
    }
}

__global__ void to_tf32_kernel(int64_t n, const float* __restrict__ x, int32_t* __restrict__ y) {
  for (int64_t i : grid_stride(n)) y[i] = int32_t(to_tf32(x[i]));
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M>
void probe_mma(M& here, bool bf16, Span<const int32_t> a, Span<const int32_t> b, Span<float> sums) {
  launch(bf16 ? mma_kernel<true> : mma_kernel<false>, {.grid = sums.size() / 128, .block = {32}},
         here, a, b, sums);
}
template <class M>
void probe_ldmatrix(M& here, bool trans, Span<const int32_t> tile, Span<const int32_t> rows,
                    Span<int32_t> to) {
  launch(trans ? ldmatrix_kernel<true> : ldmatrix_kernel<false>, {.block = {32}}, here, tile, rows,
         to);
}
template <class M>
void probe_cp_async(M& here, Span<const float> x, Span<const int32_t> wanted, Span<float> y) {
  launch(cp_async_kernel, {.block = {32}}, here, x, wanted, y);
}
template <class M>
void probe_groups(M& here, int empty, int pending, int count, Span<const float> x, Span<float> y) {
  const auto kernel = pending == 0   ? groups_kernel<0>
                      : pending == 1 ? groups_kernel<1>
                      : pending == 2 ? groups_kernel<2>
                                     : groups_kernel<3>;
  launch(kernel, {.block = {32}}, here, empty, count, x, y);
}
template <class M>
void probe_to_tf32(M& here, Span<const float> x, Span<int32_t> y) {
  launch(to_tf32_kernel, {.block = {32}}, here, x.size(), x, y);
}

template void probe_mma(Here&, bool, Span<const int32_t>, Span<const int32_t>, Span<float>);
template void probe_ldmatrix(Here&, bool, Span<const int32_t>, Span<const int32_t>, Span<int32_t>);
template void probe_cp_async(Here&, Span<const float>, Span<const int32_t>, Span<float>);
template void probe_groups(Here&, int, int, int, Span<const float>, Span<float>);
template void probe_to_tf32(Here&, Span<const float>, Span<int32_t>);

}  // namespace tweed
