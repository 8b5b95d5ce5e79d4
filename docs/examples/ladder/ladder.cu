// One small kernel, four times: layer norm of rows. docs/ladder.md says what each rung wastes.
#include "kernels/machine/kernel.h"
#include "kernels/packs/packs.h"
#include "ladder.h"

namespace tweed {
namespace MACHINE {

constexpr float ladder_eps = 1e-5f;

// 1. A row belongs to a thread.
__global__ void by_thread_kernel(int64_t rows, int64_t C, const float* x, float* y) {
  for (int64_t row : grid_stride(rows)) {
    const float* in = x + row * C;
    float sum = 0, squares = 0;
    for (int64_t c = 0; c < C; ++c) sum += in[c];
    const float mean = sum / C;
    for (int64_t c = 0; c < C; ++c) squares += (in[c] - mean) * (in[c] - mean);
    const float scale = 1 / sqrt(squares / C + ladder_eps);
    for (int64_t c = 0; c < C; ++c) y[row * C + c] = (in[c] - mean) * scale;
  }
}

// 2. A row belongs to a block, which adds up in shared memory.
constexpr int ladder_threads = 256;

__device__ inline float sum_in_shared(float* cells, float v) {
  const int t = threadIdx.x;
  cells[t] = v;
  __syncthreads();
  for (int half = int(blockDim.x) / 2; half > 0; half /= 2) {
    if (t < half) cells[t] += cells[t + half];
    __syncthreads();
  }
  const float sum = cells[0];
  __syncthreads();  // before anybody writes there again
  return sum;
}
__global__ void by_block_kernel(int64_t rows, int64_t C, const float* x, float* y) {
  __shared__ float cells[ladder_threads];
  for (int64_t row : grid_blocks(rows)) {
    const float* in = x + row * C;
    float mine = 0, squares = 0;
    for (int64_t c : block_stride(C)) mine += in[c];
    const float mean = sum_in_shared(cells, mine) / C;
    for (int64_t c : block_stride(C)) squares += (in[c] - mean) * (in[c] - mean);
    const float scale = 1 / sqrt(sum_in_shared(cells, squares) / C + ladder_eps);
    for (int64_t c : block_stride(C)) y[row * C + c] = (in[c] - mean) * scale;
  }
}

// 3. A row belongs to a warp, whose lanes add up by shuffles.
__global__ void by_warp_kernel(int64_t rows, int64_t C, const float* x, float* y) {
  for (int64_t row : grid_rows(rows)) {
    const float* in = x + row * C;
    const float mean = warp_sum(C, [&](int64_t c) { return in[c]; }) / C;
    const float squares = warp_sum(C, [&](int64_t c) { return (in[c] - mean) * (in[c] - mean); });
    const float scale = 1 / sqrt(squares / C + ladder_eps);
    for (int64_t c : block_stride(C)) y[row * C + c] = (in[c] - mean) * scale;
  }
}

// 4. The same, 16 bytes at a time: a row is read once, and stays in registers.
#ifdef TWEED_CPU
constexpr int lanes = 1;
#else
constexpr int lanes = 32;
#endif
// Of a struct's copy nvcc makes one instruction, and of a memcpy 16; the simulator's compiler does
// it the other way round.
__device__ inline Pack<float> loaded(const float* p) {
#ifdef TWEED_SIM
  Pack<float> pack;
  memcpy(&pack, p, sizeof pack);
  return pack;
#else
  return pack_at(p);
#endif
}
__device__ inline void stored(float* p, const Pack<float>& pack) {
#ifdef TWEED_SIM
  memcpy(p, &pack, sizeof pack);
#else
  pack_at(p) = pack;
#endif
}
__global__ void by_packs_kernel(int64_t rows, int64_t C, const float* x, float* y) {
  constexpr int held = ladder_columns / 4 / lanes;
  const int packs = int(C / 4), lane = threadIdx.x;
  for (int64_t row : grid_rows(rows)) {
    const float* in = x + row * C;
    float* out = y + row * C;
    Pack<float> mine[held];
    // Moments about the row's first number: far from 0, squares would drown what matters.
    const float about = in[0];
    float sum = 0, squares = 0;
#pragma unroll
    for (int k = 0; k < held; ++k) {
      const int i = k * lanes + lane;
      if (i >= packs) break;
      mine[k] = loaded(in + 4 * i);
      for (int j = 0; j < 4; ++j) {
        const float d = mine[k][j] - about;
        sum += d;
        squares += d * d;
      }
    }
    const auto all = warp_sums(lanes, [&](int64_t) { return SumPair<float>{sum, squares}; });
    const float off = all.a / C, variance = max(all.b / C - off * off, 0.f);
    const float scale = 1 / sqrt(variance + ladder_eps);
#pragma unroll
    for (int k = 0; k < held; ++k) {
      const int i = k * lanes + lane;
      if (i >= packs) break;
      float values[4];
      for (int j = 0; j < 4; ++j) values[j] = (mine[k][j] - about - off) * scale;
      stored(out + 4 * i, Pack<float>::of(values));
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M>
void layer_norm_rung(M& here, Rung rung, int64_t C, Span<const float> x, Span<float> y) {
  const int64_t rows = x.size() / C;
  if (rung == Rung::by_thread)
    launch(by_thread_kernel, {.grid = ceil_div(rows, 128), .block = {128}, .work = x.size()}, here,
           rows, C, x, y);
  if (rung == Rung::by_block)
    launch(by_block_kernel, {.grid = rows, .block = {ladder_threads}, .work = x.size()}, here, rows,
           C, x, y);
  if (rung == Rung::by_warp) launch(by_warp_kernel, warp_per_row(rows, C), here, rows, C, x, y);
  if (rung == Rung::by_packs) launch(by_packs_kernel, warp_per_row(rows, C), here, rows, C, x, y);
}
template void layer_norm_rung(Here&, Rung, int64_t, Span<const float>, Span<float>);

}  // namespace tweed
