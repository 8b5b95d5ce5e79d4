// Attention in one pass over the keys: no scores are stored.
#include "attention.h"
#include "kernels/machine/kernel.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

constexpr int width = 32, tile = 32, queries_of_block = 8;

__device__ inline float sum_over_warp(float v) {
  for (int d = 16; d > 0; d /= 2) v += __shfl_xor_sync(0xffffffffu, v, d);
  return v;
}
__device__ inline float max_over_warp(float v) {
  for (int d = 16; d > 0; d /= 2) v = max(v, __shfl_xor_sync(0xffffffffu, v, d));
  return v;
}

__global__ void attention_kernel(int queries, int keys, const float* q, const float* k,
                                 const float* v, float* y) {
  // A lane walks a row of k: with 33 words a row, all lanes find their words in different banks.
  __shared__ float some_q[queries_of_block][width], some_k[tile][width + 1], some_v[tile][width];
  const int lane = threadIdx.x, warp = threadIdx.y;
  const int query = int(blockIdx.x) * queries_of_block + warp;
  some_q[warp][lane] = query < queries ? q[query * width + lane] : 0;
  float largest = -INFINITY, sum = 0, result = 0;
  for (int first = 0; first < keys; first += tile) {
    for (int row = warp; row < tile; row += queries_of_block) {
      const bool inside = first + row < keys;
      some_k[row][lane] = inside ? k[(first + row) * width + lane] : 0;
      some_v[row][lane] = inside ? v[(first + row) * width + lane] : 0;
    }
    __syncthreads();
    // Here a lane is a key.
    float score = 0;
    for (int i = 0; i < width; ++i) score += some_q[warp][i] * some_k[lane][i];
    score = first + lane < keys ? score * rsqrtf(float(width)) : -INFINITY;
    const float larger = max(largest, max_over_warp(score));
    const float earlier = exp(largest - larger), weight = exp(score - larger);
    largest = larger;
    sum = sum * earlier + sum_over_warp(weight);
    // And here one of the result's numbers.
    result *= earlier;
    for (int i = 0; i < tile; ++i) result += __shfl_sync(0xffffffffu, weight, i) * some_v[i][lane];
    __syncthreads();
  }
  if (query < queries) y[query * width + lane] = result / sum;
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void attention(M& here, Span<const float> q, Span<const float> k, Span<const float> v,
               Span<float> y) {
  const int queries = int(q.size() / width), keys = int(k.size() / width);
  launch(attention_kernel,
         {.grid = ceil_div(queries, queries_of_block), .block = {32, queries_of_block}}, here,
         queries, keys, q, k, v, y);
}
template void attention(Here&, Span<const float>, Span<const float>, Span<const float>,
                        Span<float>);

}  // namespace tweed::exercise
