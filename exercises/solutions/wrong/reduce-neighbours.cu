// expects: Neighbouring threads should touch neighbouring words
#include "kernels/machine/kernel.h"
#include "reduce.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void reduce_kernel(const float* x, float* y) {
  __shared__ float s[256];
  const int t = threadIdx.x;
  s[t] = x[int64_t(blockIdx.x) * 256 + t];
  __syncthreads();
  for (int away = 1; away < 256; away *= 2) {
    if (2 * away * t < 256) s[2 * away * t] += s[2 * away * t + away];
    __syncthreads();
  }
  if (t == 0) y[blockIdx.x] = s[0];
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void reduce(M& here, Span<const float> x, Span<float> y) {
  launch(reduce_kernel, {.grid = {unsigned(y.size())}, .block = {256}}, here, x, y);
}
template void reduce(Here&, Span<const float>, Span<float>);

}  // namespace tweed::exercise
