#include "kernels/machine/tensor_cores.h"
#include "tests/kernels/planted_kernels.h"

namespace tweed {
namespace MACHINE {

// 16 bytes for each thread, from x or, past its first 128 numbers, zeros.
#define COPIES                           \
  __shared__ __align__(16) float s[512]; \
  const float* mine = x + 4 * (T % 32);  \
  cp_async(s + 4 * T, mine, T < 32);     \
  cp_async_commit()

KERNEL(copy_not_awaited) {
  COPIES;
  y[GLOBAL] = s[4 * T];  // BUG: copy_not_awaited
}
KERNEL(copy_not_awaited_right) {
  COPIES;
  cp_async_wait<0>();
  y[GLOBAL] = s[4 * T];
}
KERNEL(copy_no_barrier) {
  COPIES;
  cp_async_wait<0>();
  y[GLOBAL] = s[4 * (T - T % 2)];  // BUG: copy_no_barrier
}
KERNEL(copy_no_barrier_right) {
  COPIES;
  cp_async_wait<0>();
  __syncwarp();
  y[GLOBAL] = s[4 * (T ^ 1)];
  __syncthreads();
  y[GLOBAL] += s[4 * (63 - T)];
}
KERNEL(copy_into_read) {
  COPIES;
  cp_async_wait<0>();
  __syncthreads();
  y[GLOBAL] = s[4 * (63 - T)];
  if (T == 40) cp_async(s + 4 * 43, mine, true);  // BUG: copy_into_read
}
KERNEL(copy_into_read_right) {
  COPIES;
  cp_async_wait<0>();
  __syncthreads();
  y[GLOBAL] = s[4 * (63 - T)];
  __syncthreads();
  cp_async(s + 4 * T, mine, true);
  cp_async_commit();
  cp_async_wait<0>();
  s[4 * T] += s[4 * T + 1];
}
KERNEL(too_few_groups) {
  COPIES;
  cp_async(s + 256 + 4 * T, mine, true);
  cp_async_commit();
  cp_async_wait<1>();
  __syncthreads();
  y[GLOBAL] = s[4 * (63 - T)] + s[256 + 4 * (63 - T)];  // BUG: too_few_groups
}
KERNEL(too_few_groups_right) {
  COPIES;
  cp_async(s + 256 + 4 * T, mine, true);
  cp_async_commit();
  cp_async_wait<1>();
  __syncthreads();
  y[GLOBAL] = s[4 * (63 - T)];
  cp_async_wait<0>();
  __syncthreads();
  y[GLOBAL] += s[256 + 4 * (63 - T)];
}
KERNEL(uncommitted_copy) {
  COPIES;
  cp_async(s + 256 + 4 * T, mine, true);
  cp_async_wait<0>();
  y[GLOBAL] = s[256 + 4 * T];  // BUG: uncommitted_copy
}
KERNEL(uncommitted_copy_right) {
  COPIES;
  cp_async(s + 256 + 4 * T, mine, true);
  cp_async_wait<0>();
  y[GLOBAL] = s[4 * T];
}
KERNEL(ended_copy) {
  COPIES;
  if (T < 32) return;
  y[GLOBAL] = s[4 * (T - 32)];  // BUG: ended_copy
}
KERNEL(ended_copy_right) { COPIES; }
KERNEL(misaligned_copy) {
  COPIES;
  cp_async(s + 4 * T, mine + 1, T < 31);  // BUG: misaligned_copy
}
KERNEL(misaligned_copy_right) {
  COPIES;
  cp_async(s + 256 + 4 * T, mine, T < 31);
}
KERNEL(copy_past_end) {
  __shared__ __align__(16) float s[256];
  cp_async(s + 4 * T, x + n - 252 + 4 * T, T >= 31);  // BUG: copy_past_end
}
KERNEL(copy_past_end_right) {
  __shared__ __align__(16) float s[256];
  cp_async(s + 4 * T, x + n - 252 + 4 * T, T >= 31 && T < 63);
}
KERNEL(copy_to_local) {
  alignas(16) float local[4];
  cp_async(local, x, true);  // BUG: copy_to_local
  y[GLOBAL] = local[0];
}
KERNEL(copy_to_local_right) {
  float* s = dynamic_shared<float>();
  cp_async(s + 4 * T, x, true);
}
KERNEL(copy_from_shared) {
  COPIES;
  cp_async_wait<0>();
  cp_async(s + 256 + 4 * T, s + 4 * T, true);  // BUG: copy_from_shared
}
KERNEL(copy_from_shared_right) {
  COPIES;
  cp_async_wait<0>();
  for (int i = 0; i < 4; ++i) s[256 + 4 * T + i] = s[4 * T + i];
}
KERNEL(misaligned_row) {
  COPIES;
  cp_async_wait<0>();
  __syncthreads();
  uint32_t to[4];
  ldmatrix(to, s + 4 * T + 2);  // BUG: misaligned_row
  y[GLOBAL] = float(to[0]);
}
KERNEL(misaligned_row_right) {
  COPIES;
  cp_async_wait<0>();
  __syncthreads();
  uint32_t to[4];
  ldmatrix(to, s + 4 * (63 - T));
  y[GLOBAL] = float(to[0]);
}
KERNEL(uninitialised_row) {
  COPIES;
  cp_async_wait<0>();
  __syncthreads();
  uint32_t to[4];
  ldmatrix_trans(to, s + 4 * T + 4);  // BUG: uninitialised_row
  y[GLOBAL] = float(to[0]);
}
KERNEL(uninitialised_row_right) {
  COPIES;
  cp_async_wait<0>();
  __syncthreads();
  uint32_t to[4];
  ldmatrix_trans(to, s + 4 * T);
  y[GLOBAL] = float(to[0]);
}
KERNEL(row_in_global) {
  uint32_t to[4];
  ldmatrix(to, x + 4 * (T % 32));  // BUG: row_in_global
  y[GLOBAL] = float(to[0]);
}
KERNEL(row_in_global_right) {
  uint32_t* to = dynamic_shared<uint32_t>() + 4 * T;
  for (int i = 0; i < 4; ++i) to[i] = uint32_t(T);
  __syncwarp();
  uint32_t r[4];
  ldmatrix(r, to);
  y[GLOBAL] = float(r[0]);
}
KERNEL(two_mmas) {
  float sums[4] = {};
  const uint32_t a[4] = {float_bits(x[GLOBAL])}, b[2] = {a[0]};
  if (T % 32 < 16)
    mma_tf32(sums, a, b);
  else
    mma_tf32(sums, a, b);  // BUG: two_mmas
  y[GLOBAL] = sums[0];
}
KERNEL(two_mmas_right) {
  float sums[4] = {};
  const uint32_t a[4] = {float_bits(x[GLOBAL])}, b[2] = {a[0]};
  if (T < 32)
    mma_tf32(sums, a, b);
  else
    mma_tf32(sums, a, b);
  y[GLOBAL] = sums[0];
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M>
void planted_async(M& here, PlantedBug which, const Config& config, Span<const float> x,
                   Span<float> y) {
  FOR_PLANTED_ASYNC_BUGS(LAUNCH)
}

template void planted_async(Here&, PlantedBug, const Config&, Span<const float>, Span<float>);

}  // namespace tweed
