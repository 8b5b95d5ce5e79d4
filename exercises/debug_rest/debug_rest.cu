// Sums of 64 numbers each. There is a mistake in it.
#include "debug_rest.h"
#include "kernels/machine/kernel.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void block_sums_kernel(int64_t n, const float* x, float* sums) {
  __shared__ float s[64];
  const int t = threadIdx.x;
  const int64_t i = int64_t(blockIdx.x) * 64 + t;
  if (i < n) s[t] = x[i];
  __syncthreads();
  for (int half = 32; half > 0; half /= 2) {
    if (t < half) s[t] += s[t + half];
    __syncthreads();
  }
  if (t == 0) sums[blockIdx.x] = s[0];
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void block_sums(M& here, Span<const float> x, Span<float> sums) {
  launch(block_sums_kernel, {.grid = {unsigned(sums.size())}, .block = {64}}, here, x.size(), x,
         sums);
}
template void block_sums(Here&, Span<const float>, Span<float>);

}  // namespace tweed::exercise
