#include "tests/kernels/planted_kernels.h"

namespace tweed {
namespace MACHINE {

// ---- memory of the arguments

KERNEL(read_past_end) {
  for (int64_t i : grid_stride(n)) y[i] = x[i + 1];  // BUG: read_past_end
}
KERNEL(read_past_end_right) {
  for (int64_t i : grid_stride(n - 1)) y[i] = x[i + 1];
}
KERNEL(far_read) {
  y[GLOBAL] = x[n - 127 + GLOBAL];  // BUG: far_read
}
KERNEL(far_read_right) { y[GLOBAL] = x[n - 128 + GLOBAL] + x[n / 2]; }
KERNEL(write_past_end) {
  y[n - 127 + GLOBAL] = 1;  // BUG: write_past_end
}
KERNEL(write_past_end_right) { y[n - 128 + GLOBAL] = 1; }
KERNEL(write_to_input) {
  const_cast<float*>(x)[GLOBAL] = 1;  // BUG: write_to_input
}
KERNEL(write_to_input_right) { y[GLOBAL] = x[GLOBAL]; }
struct Eight {
  float v[8];
};
KERNEL(struct_overrun) {
  if (GLOBAL == 0) *(Eight*)y = *(const Eight*)(x + n - 4);  // BUG: struct_overrun
}
KERNEL(struct_overrun_right) {
  if (GLOBAL == 0) *(Eight*)y = *(const Eight*)(x + n - 8);
}
KERNEL(memcpy_overrun) {
  if (GLOBAL == 0) memcpy(y, x + n - 4, n > 5 ? 32 : 16);  // BUG: memcpy_overrun
}
KERNEL(memcpy_overrun_right) {
  float local[4];
  if (GLOBAL == 0) memcpy(local, x + n - 4, sizeof local), memcpy(y, local, sizeof local);
}
KERNEL(memset_overrun) {
  if (GLOBAL == 0) memset(y + n - 4, 0, n > 5 ? 32 : 16);  // BUG: memset_overrun
}
KERNEL(memset_overrun_right) {
  if (GLOBAL == 0) memset(y + n - 4, 0, 16);
}
struct alignas(8) Two {
  float a, b;
};
KERNEL(misaligned_vector) {
  if (GLOBAL == 0) *(Two*)y = *(const Two*)(x + 1);  // BUG: misaligned_vector
}
KERNEL(misaligned_vector_right) {
  if (GLOBAL == 0) *(Two*)y = *(const Two*)(x + 2);
}

// ---- barriers and warps

KERNEL(barrier_in_loop) {
  for (int64_t i : grid_stride(n - 1)) {
    y[i] = x[i];
    __syncthreads();  // BUG: barrier_in_loop
  }
}
KERNEL(barrier_in_loop_right) {
  for (int64_t i : grid_stride(n - 1)) y[i] = x[i];
  __syncthreads();
}
KERNEL(exit_before_barrier) {
  if (T >= 40) return;
  y[GLOBAL] = block_sum(n, [&](int64_t i) { return x[i]; });  // BUG: exit_before_barrier
}
KERNEL(exit_before_barrier_right) {
  const float sum = block_sum(n, [&](int64_t i) { return x[i]; });
  if (T >= 40) return;
  y[GLOBAL] = sum;
}
KERNEL(two_barriers) {
  if (T < 32)
    __syncthreads();
  else
    __syncthreads();  // BUG: two_barriers
}
KERNEL(two_barriers_right) {
  for (int i = 0; i < 3; ++i) __syncthreads();
  __syncthreads();
}
KERNEL(half_warp_shuffle) {
  if (T % 2) y[GLOBAL] = __shfl_xor_sync(0xffffffffu, x[GLOBAL], 2);  // BUG: half_warp_shuffle
}
KERNEL(half_warp_shuffle_right) {
  if (T % 2) y[GLOBAL] = __shfl_xor_sync(0xaaaaaaaau, x[GLOBAL], 2);
}
KERNEL(absent_lane) {
  if (T % 2) y[GLOBAL] = __shfl_xor_sync(0xaaaaaaaau, x[GLOBAL], 1);  // BUG: absent_lane
}
// y is three times the neighbour's threadIdx.x, where x is 1.
KERNEL(absent_lane_right) {
  const unsigned all = 0xffffffffu;
  y[GLOBAL] = float(T) * x[GLOBAL];
  const float v = __shfl_xor_sync(all, y[GLOBAL], 1);
  const double d = __shfl_sync(all, double(y[GLOBAL]), (T ^ 1) % 32);
  const int before = __shfl_up_sync(all, T, 1), after = __shfl_down_sync(all, T, 1);
  y[GLOBAL] = v + float(d) + float(T % 2 ? before : after);
}
KERNEL(two_shuffles) {
  float v = x[GLOBAL];
  if (T % 32 < 16)
    v = __shfl_xor_sync(0xffffffffu, v, 1);
  else
    v = __shfl_xor_sync(0xffffffffu, v, 1) + 1;  // BUG: two_shuffles
  y[GLOBAL] = v;
}
KERNEL(two_shuffles_right) {
  float v = x[GLOBAL];
  if (T < 32)
    v = __shfl_xor_sync(0xffffffffu, v, 1);
  else
    v = __shfl_down_sync(0xffffffffu, v, 1);
  y[GLOBAL] = __any_sync(0xffffffffu, v > 0) ? v : 0;
}

// ---- shared memory

KERNEL(uninitialised_shared) {
  __shared__ float s[64];
  if (T < 63) s[T] = x[GLOBAL];
  __syncthreads();
  y[GLOBAL] = s[63 - T];  // BUG: uninitialised_shared
}
KERNEL(uninitialised_shared_right) {
  __shared__ float s[64];
  s[T] = x[GLOBAL];
  __syncthreads();
  y[GLOBAL] = s[63 - T];
}
KERNEL(uninitialised_dynamic) {
  float* s = dynamic_shared<float>();
  if (T < 63) s[T] = x[GLOBAL];
  __syncthreads();
  y[GLOBAL] = s[63 - T];  // BUG: uninitialised_dynamic
}
KERNEL(uninitialised_dynamic_right) {
  double* s = dynamic_shared<double>();
  s[T] = x[GLOBAL];
  __syncthreads();
  y[GLOBAL] = float(s[63 - T]);
}
KERNEL(dynamic_overrun) {
  float* s = dynamic_shared<float>();
  s[4 * T + 4] = x[GLOBAL];  // BUG: dynamic_overrun
}
KERNEL(dynamic_overrun_right) {
  float* s = dynamic_shared<float>();
  s[4 * T + 3] = x[GLOBAL];
}
KERNEL(shared_index) {
  __shared__ float s[64];
  s[T + (n > 0)] = 1;  // BUG: shared_index
  __syncthreads();
  y[GLOBAL] = s[T];
}
KERNEL(shared_index_right) {
  __shared__ float s[64];
  s[T + (n < 0)] = 1;
  __syncthreads();
  y[GLOBAL] = s[T];
}
KERNEL(stale_shared) {
  __shared__ float s[64];
  s[T] = x[GLOBAL];
  __syncthreads();
  for (int d = 32; d > 0; d /= 2)
    if (T < d) s[T] += s[T + d];  // BUG: stale_shared
  if (T == 0) y[blockIdx.x] = s[0];
}
KERNEL(stale_shared_right) {
  __shared__ float s[64];
  s[T] = x[GLOBAL];
  __syncthreads();
  for (int d = 32; d > 0; d /= 2) {
    if (T < d) s[T] += s[T + d];
    __syncthreads();
  }
  if (T == 0) y[blockIdx.x] = s[0];
}
KERNEL(reused_shared) {
  __shared__ float s[64];
  float sum = 0;
  for (int k = 0; k < 2; ++k) {
    s[T] = x[GLOBAL] + k;  // BUG: reused_shared
    __syncthreads();
    sum += s[63 - T];
  }
  y[GLOBAL] = sum;
}
KERNEL(reused_shared_right) {
  __shared__ float s[64];
  float sum = 0;
  for (int k = 0; k < 2; ++k) {
    s[T] = x[GLOBAL] + k;
    __syncthreads();
    sum += s[63 - T];
    __syncthreads();
  }
  y[GLOBAL] = sum;
}
KERNEL(missing_syncwarp) {
  __shared__ float s[64];
  s[T] = x[GLOBAL];
  y[GLOBAL] = s[T ^ 1];  // BUG: missing_syncwarp
}
KERNEL(missing_syncwarp_right) {
  __shared__ float s[64];
  s[T] = x[GLOBAL];
  __syncwarp();
  float v = s[T ^ 1];
  for (int d = 16; d > 0; d /= 2) {  // every lane reads and writes: two barriers each time
    v += s[T ^ d];
    __syncwarp();
    s[T] = v;
    __syncwarp();
  }
  y[GLOBAL] = s[T];
}

// ---- races in global memory, and between neighbours of one or two bytes

KERNEL(scatter_race) {
  for (int64_t i : grid_stride(n)) y[i / 2] += x[i];  // BUG: scatter_race
}
KERNEL(scatter_race_right) {
  for (int64_t i : grid_stride(n / 2)) y[i] += x[2 * i] + x[2 * i + 1];
}
KERNEL(block_race) {
  __syncthreads();
  if (T == 0) y[0] = x[blockIdx.x];  // BUG: block_race
}
KERNEL(block_race_right) {
  if (T == 0) y[blockIdx.x] = x[0];
}
KERNEL(count_race) {
  int* count = (int*)y;
  if (x[GLOBAL] > 0) *count += 1;  // BUG: count_race
}
KERNEL(count_race_right) {
  int* count = (int*)y;
  if (x[GLOBAL] > 0) atomicAdd(count, 1);
}
KERNEL(byte_race) {
  uint8_t* bytes = (uint8_t*)y;
  bytes[T == 5 ? GLOBAL + 1 : GLOBAL] = 1;  // BUG: byte_race
}
KERNEL(byte_race_right) {
  uint8_t* bytes = (uint8_t*)y;
  bytes[GLOBAL] = 1;
  bytes[GLOBAL + 256] = bytes[GLOBAL];
}
KERNEL(bf16_race) {
  bf16* halves = (bf16*)y;
  halves[GLOBAL] = store<bf16>(x[GLOBAL]);
  y[n / 2 + GLOBAL % 32] = load(halves[GLOBAL ^ 1]);  // BUG: bf16_race
}
KERNEL(bf16_race_right) {
  bf16* halves = (bf16*)y;
  halves[GLOBAL] = store<bf16>(x[GLOBAL]);
  __syncthreads();
  halves[n + GLOBAL] = halves[GLOBAL ^ 1];
}
KERNEL(shared_byte_race) {
  __shared__ uint8_t s[64];
  s[T] = 1;
  __syncwarp();
  s[(T + 1) % 64] = 2;  // BUG: shared_byte_race
  __syncthreads();
  y[GLOBAL] = s[T];
}
KERNEL(shared_byte_race_right) {
  __shared__ uint8_t s[64];
  s[T] = uint8_t(T);
  __syncthreads();
  y[GLOBAL] = s[T ^ 1];
}
KERNEL(foreign_local) {
  __shared__ int* s;
  int local[2] = {T, int(n)};
  if (T == 0) s = local;
  __syncthreads();
  if (T == 1) y[GLOBAL] = float(s[T]);  // BUG: foreign_local
}
KERNEL(foreign_local_right) {
  constexpr int table[] = {2, 3, 5, 7, 11, 13, 17, 19};
  int local[8];
  for (int i = 0; i < 8; ++i) local[i] = table[(i + T) % 8];
  y[GLOBAL] = float(local[T % 8]);
}

// ---- shapes of blocks

KERNEL(flat_in_rows) {
  for (int64_t i : grid_stride(n / 4)) atomicAdd((int*)y + i, 1);  // BUG: flat_in_rows
}
KERNEL(flat_in_rows_right) {
  for (int64_t i : grid_rows(n / 4))
    for (int64_t c : block_stride(4)) y[i * 4 + c] = 1;
}
KERNEL(broken_warp) {
  const float sum = block_sum(n, [&](int64_t i) { return x[i]; });  // BUG: broken_warp
  if (T == 0) y[blockIdx.x] = sum;
}
KERNEL(broken_warp_right) {
  float sum = 0;
  for (int64_t i : grid_stride(n)) sum += x[i];
  y[GLOBAL] = sum;
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M>
void planted(M& here, PlantedBug which, Span<const float> x, Span<float> y) {
  Config config = {.grid = 2, .block = {64}, .shared = 1024};
  using enum PlantedBug;
  if (which == flat_in_rows || which == flat_in_rows_right) config.block = {32, 2};
  if (which == broken_warp || which == broken_warp_right) config.block = {48};
  FOR_PLANTED_BUGS(LAUNCH)
  planted_async(here, which, config, x, y);
}

template void planted(Here&, PlantedBug, Span<const float>, Span<float>);

}  // namespace tweed
