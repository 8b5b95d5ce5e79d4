// Mistakes in kernels. The line that the emulator must name ends with "BUG: " and the mistake's
// name.
#include <cuda_runtime.h>

#undef NDEBUG
#include <cassert>

#include "planted.h"

namespace {

constexpr int n = 64;  // threads of a block, elements of x and y
constexpr const char* here = "planted_kernels.cu";

// Two arrays of the device: x holds 1, 2, ..., y nothing yet.
struct Arrays {
  float *x = nullptr, *y = nullptr;
  Arrays() {
    std::vector<float> values(n);
    for (int i = 0; i < n; ++i) values[i] = float(i + 1);
    checked(cudaMalloc(&x, n * sizeof(float)));
    checked(cudaMalloc(&y, n * sizeof(float)));
    checked(cudaMemcpy(x, values.data(), n * sizeof(float), cudaMemcpyHostToDevice));
  }
  std::vector<float> result(int count = n) const {
    std::vector<float> values(count);
    checked(cudaGetLastError());
    checked(cudaDeviceSynchronize());
    checked(cudaMemcpy(values.data(), y, count * sizeof(float), cudaMemcpyDeviceToHost));
    return values;
  }
};

template <class F>
bool all_are(const std::vector<float>& values, F wanted) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] != wanted(int(i))) return false;
  return true;
}
float own(int i) { return float(i + 1); }

using Kernel = void(bool, const float*, float*);
// Launches a kernel and says whether y is as wanted.
template <class F>
bool right(Kernel* kernel, bool bug, F wanted, int threads = n, int count = n) {
  const Arrays a;
  kernel<<<1, threads>>>(bug, a.x, a.y);
  return all_are(a.result(count), wanted);
}
template <Kernel* kernel>
bool copies(bool bug) {
  return right(kernel, bug, own);
}

// ---- addresses
// -----------------------------------------------------------------------------------

__global__ void read_past_end(bool bug, const float* x, float* y) {
  const int i = threadIdx.x + bug;
  y[threadIdx.x] = x[i] - float(bug);  // BUG: read_past_end
}
__global__ void read_before_begin(bool bug, const float* x, float* y) {
  const int i = int(threadIdx.x) - bug;
  y[threadIdx.x] = x[i] + float(bug);  // BUG: read_before_begin
}
__global__ void write_past_end(bool bug, const float* x, float* y) {
  const int i = threadIdx.x + bug;
  y[i] = x[threadIdx.x];  // BUG: write_past_end
}
__global__ void misaligned(bool bug, const float* x, float* y) {
  const auto* from = reinterpret_cast<const float4*>(x + 4 * (threadIdx.x % (n / 4)) + bug);
  auto* to = reinterpret_cast<float4*>(y) + threadIdx.x % (n / 4);
  *to = *from;  // BUG: misaligned
}
__global__ void shared_past_end(bool bug, const float* x, float* y) {
  __shared__ float s[n];
  s[threadIdx.x + bug] = x[threadIdx.x];  // BUG: shared_past_end
  __syncthreads();
  y[threadIdx.x] = s[threadIdx.x];
}
__global__ void use_after_free(bool, const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x];  // BUG: use_after_free
}
__global__ void host_pointer(bool, const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x];  // BUG: host_pointer
}
__global__ void unfilled(bool, const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x]; }
__global__ void shared_unfilled(bool bug, const float* x, float* y) {
  __shared__ float s[n];
  if (!bug || threadIdx.x) s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = s[threadIdx.x];
}

bool run_use_after_free(bool bug) {
  const Arrays a;
  if (bug) checked(cudaFree(a.x));
  use_after_free<<<1, n>>>(bug, a.x, a.y);
  return all_are(a.result(), own);
}
bool run_host_pointer(bool bug) {
  const Arrays a;
  static const float on_host[n] = {};
  host_pointer<<<1, n>>>(bug, bug ? on_host : a.x, a.y);
  return all_are(a.result(), own);
}
bool run_unfilled(bool bug) {
  const Arrays a;
  float* x = nullptr;
  checked(cudaMalloc(&x, n * sizeof(float)));
  if (!bug) checked(cudaMemset(x, 0, n * sizeof(float)));
  unfilled<<<1, n>>>(bug, x, a.y);
  return all_are(a.result(), [](int) { return 0.f; });
}

// ---- threads that must wait
// ------------------------------------------------------------------------

// A later warp reads what an earlier one writes, and the other way round.
template <bool forward>
__global__ void no_barrier(bool bug, const float* x, float* y) {
  __shared__ float s[n];
  s[threadIdx.x] = x[threadIdx.x];
  if (!bug) __syncthreads();
  const bool reads = forward ? threadIdx.x >= 32 : threadIdx.x < 32;
  y[threadIdx.x] = reads ? s[threadIdx.x ^ 32] : 0;
}
template <bool forward>
bool run_no_barrier(bool bug) {
  return right(no_barrier<forward>, bug,
               [](int i) { return (i >= 32) == forward ? own(i ^ 32) : 0; });
}
__global__ void no_syncwarp(bool bug, const float* x, float* y) {
  volatile __shared__ float s[32];
  s[threadIdx.x] = x[threadIdx.x];
  if (!bug) __syncwarp();
  y[threadIdx.x] = s[threadIdx.x ^ 1];
}
bool run_no_syncwarp(bool bug) {
  return right(
      no_syncwarp, bug, [](int i) { return own(i ^ 1); }, 32, 32);
}

// A copy in the background: `waits` for its bytes, then for the other threads.
__device__ void copied(bool waits, bool meets, const float* x, float* y, float* s) {
  const auto to = unsigned(__cvta_generic_to_shared(s + threadIdx.x));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(to), "l"(x + threadIdx.x)
               : "memory");
  asm volatile("cp.async.commit_group;" ::: "memory");
  if (waits) asm volatile("cp.async.wait_group 0;" ::: "memory");
  if (meets) __syncthreads();
  y[threadIdx.x] = s[threadIdx.x ^ 32];
}
__global__ void no_async_wait(bool bug, const float* x, float* y) {
  __shared__ float s[n];
  copied(!bug, true, x, y, s);
}
__global__ void no_barrier_after_copy(bool bug, const float* x, float* y) {
  __shared__ float s[n];
  copied(true, !bug, x, y, s);
}
template <Kernel* kernel>
bool swaps_warps(bool bug) {
  return right(kernel, bug, [](int i) { return own(i ^ 32); });
}
__global__ void adds_without_atomic(bool bug, const float*, float* y) {
  y[threadIdx.x] = 0;
  __syncthreads();
  if (bug)
    y[0] += 1;
  else
    atomicAdd(y, 1);
}
bool run_adds(bool bug) {
  return right(adds_without_atomic, bug, [](int i) { return i == 0 ? float(n) : 0; });
}

// ---- blocks, which nothing puts in order --------------------------------------------------------

__global__ void blocks_write_the_same(bool bug, const float*, float* y) {
  const int i = bug ? threadIdx.x : blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = 1;  // BUG: blocks_write_the_same
}
__global__ void block_reads_neighbour(bool bug, const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
  if (bug && blockIdx.x == 1)
    y[i] += y[i - blockDim.x] - x[i - blockDim.x];  // BUG: block_reads_neighbour
}
__global__ void block_writes_what_was_read(bool bug, const float*, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const int before = blockIdx.x == 0 ? i : i - (bug ? blockDim.x : 0);
  if (blockIdx.x < 2) y[before] = y[i] + 1;  // BUG: block_writes_what_was_read
}
__global__ void blocks_add_without_atomic(bool bug, const float*, float* y) {
  if (threadIdx.x != 0) return;
  if (bug)
    *y += 1;  // BUG: blocks_add_without_atomic
  else
    atomicAdd(y, 1);
}
// Of 4 blocks; y is filled with zeros before.
template <Kernel* kernel, class F>
bool right_in_blocks(bool bug, F wanted) {
  const Arrays a;
  checked(cudaMemset(a.y, 0, n * sizeof(float)));
  kernel<<<4, n / 4>>>(bug, a.x, a.y);
  return all_are(a.result(), wanted);
}
bool run_blocks_write_the_same(bool bug) {
  return right_in_blocks<blocks_write_the_same>(bug, [](int) { return 1.f; });
}
bool run_block_reads_neighbour(bool bug) {
  return right_in_blocks<block_reads_neighbour>(bug, own);
}
bool run_block_writes_what_was_read(bool bug) {
  return right_in_blocks<block_writes_what_was_read>(bug,
                                                     [](int i) { return i < n / 2 ? 1.f : 0.f; });
}
bool run_blocks_add(bool bug) {
  return right_in_blocks<blocks_add_without_atomic>(bug, [](int i) { return i == 0 ? 4.f : 0.f; });
}

// ---- instructions that all lanes of a warp must reach
// ------------------------------------------------

__global__ void lanes_left_out(bool bug, const float* x, float* y) {
  float v = x[threadIdx.x];
  if (!bug || threadIdx.x % 32 < 16)
    v = __shfl_sync(~0u, v, threadIdx.x % 16);  // BUG: lanes_left_out
  y[threadIdx.x] = v;
}
template <Kernel* kernel>
bool run_lanes(bool bug) {
  return right(kernel, bug, [](int i) { return own(i / 32 * 32 + i % 16); });
}
__global__ void lanes_elsewhere(bool bug, const float* x, float* y) {
  float v = x[threadIdx.x];
  if (!bug || threadIdx.x % 32 < 16)
    v = __shfl_sync(~0u, v, threadIdx.x % 16);  // BUG: lanes_elsewhere
  __syncthreads();
  y[threadIdx.x] = v;
}
__global__ void different_barriers(bool bug, const float* x, float* y) {
  if (bug && threadIdx.x < 32)
    asm volatile("bar.sync 1;" ::: "memory");
  else
    asm volatile("bar.sync 0;" ::: "memory");  // BUG: different_barriers
  y[threadIdx.x] = x[threadIdx.x];
}
__global__ void trapped(bool bug, const float* x, float* y) {
  if (bug && threadIdx.x == 3) __trap();  // BUG: trapped
  y[threadIdx.x] = x[threadIdx.x];
}
__global__ void asserted(bool bug, const float* x, float* y) {
  assert(!bug || threadIdx.x < 3);  // BUG: asserted
  y[threadIdx.x] = x[threadIdx.x];
}
__global__ void misaligned_tile(bool bug, const float* x, float* y) {
  __shared__ __align__(16) float s[n];
  s[threadIdx.x] = x[threadIdx.x];
  __syncwarp();
  const auto row = unsigned(__cvta_generic_to_shared(s)) + 16 * (threadIdx.x % 8) + 4 * bug;
  unsigned pair;
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];"
               : "=r"(pair)
               : "r"(row));  // BUG: misaligned_tile
  y[threadIdx.x] = __uint_as_float(pair);
}
bool run_misaligned_tile(bool bug) { return right(misaligned_tile, bug, own, 32, 32); }

}  // namespace

std::vector<Planted> planted_in_kernels() {
  using enum Found;
  constexpr const char* races = "EMULATOR_RACES=1";
  return {
      {"read_past_end", error, "read of 4 bytes at", here, nullptr, copies<read_past_end>},
      {"read_before_begin", error, "4 bytes before an allocation of 256 bytes", here, nullptr,
       copies<read_before_begin>},
      {"write_past_end", error, "1 bytes past the end of an allocation of 256 bytes", here, nullptr,
       copies<write_past_end>},
      {"misaligned", error, "is not aligned to 16 bytes", here, nullptr, copies<misaligned>},
      {"shared_past_end", error, "the block has 256", here, nullptr, copies<shared_past_end>},
      {"use_after_free", error, "inside an allocation of 256 bytes that was freed", here, nullptr,
       run_use_after_free},
      {"host_pointer", error, "far from any allocation", here, nullptr, run_host_pointer},
      {"unfilled", wrong, nullptr, nullptr, nullptr, run_unfilled},
      {"shared_unfilled", wrong, nullptr, nullptr, nullptr, copies<shared_unfilled>},
      {"no_barrier_forward", wrong, nullptr, nullptr, "EMULATOR_BACKWARDS=1", run_no_barrier<true>},
      {"no_barrier_back", wrong, nullptr, nullptr, nullptr, run_no_barrier<false>},
      {"no_syncwarp", wrong, nullptr, nullptr, "EMULATOR_APART=1", run_no_syncwarp},
      {"no_async_wait", wrong, nullptr, nullptr, nullptr, swaps_warps<no_async_wait>},
      {"no_barrier_after_copy", wrong, nullptr, nullptr, nullptr,
       swaps_warps<no_barrier_after_copy>},
      {"adds_without_atomic", wrong, nullptr, nullptr, nullptr, run_adds},
      {"blocks_write_the_same", error, "write of what block (0, 0, 0) wrote", here, races,
       run_blocks_write_the_same},
      {"block_reads_neighbour", error, "read of what block (0, 0, 0) wrote", here, races,
       run_block_reads_neighbour},
      {"block_writes_what_was_read", error, "write of what block (0, 0, 0) ", here, races,
       run_block_writes_what_was_read},
      {"blocks_add_without_atomic", error, "read of what block (0, 0, 0) wrote", here, races,
       run_blocks_add},
      {"lanes_left_out", error, "the instruction needs this lane, which has ended", here, nullptr,
       run_lanes<lanes_left_out>},
      {"lanes_elsewhere", error, "lanes of a warp wait for each other at different places", here,
       nullptr, run_lanes<lanes_elsewhere>},
      {"different_barriers", error, "different barriers", here, nullptr,
       copies<different_barriers>},
      {"trapped", error, "thread (3, 0, 0)", here, nullptr, copies<trapped>},
      {"asserted", error, "assertion '!bug || threadIdx.x < 3' failed", here, nullptr,
       copies<asserted>},
      {"misaligned_tile", error, "is not aligned to 16 bytes", here, nullptr, run_misaligned_tile},
  };
}
