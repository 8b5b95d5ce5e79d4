// Attention in one pass over the keys: no scores are stored.
#include "attention.h"
#include "kernels/machine/kernel.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

constexpr int width = 32, tile = 32, queries_of_block = 8;

__global__ void attention_kernel(int queries, int keys, const float* q, const float* k,
                                 const float* v, float* y) {
  // Is the width of these rows a good one?
  __shared__ float some_q[queries_of_block][width], some_k[tile][width], some_v[tile][width];
  const int lane = threadIdx.x, warp = threadIdx.y;
  const int query = int(blockIdx.x) * queries_of_block + warp;
  float largest = -INFINITY, sum = 0, result = 0;
  // WRITE: tile after tile of the keys. The block loads 32 rows of k and v; then a lane computes
  // one score, the warp brings largest and sum up to date, and each lane its number of the result.
  // The last tile may have fewer keys, the last block fewer queries.
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
