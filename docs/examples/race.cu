// The sum of a block's 64 numbers in shared memory, once without its barrier. race.cpp runs it.
#include "kernels/machine/kernel.h"
#include "race.h"

namespace tweed {
namespace MACHINE {

template <bool barrier>
__global__ void sum_kernel(const float* x, float* y) {
  __shared__ float s[64];
  const int t = threadIdx.x;
  s[t] = x[t];
  __syncthreads();
  for (int d = 32; d > 0; d /= 2) {
    if (t < d) s[t] += s[t + d];  // line 15
    if (barrier) __syncthreads();
  }
  if (t == 0) y[0] = s[0];
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M>
void sum_with_barrier(M& here, Span<const float> x, Span<float> y) {
  launch(sum_kernel<true>, {.block = {64}}, here, x, y);
}
template <class M>
void sum_without_barrier(M& here, Span<const float> x, Span<float> y) {
  launch(sum_kernel<false>, {.block = {64}}, here, x, y);
}

template void sum_with_barrier(Here&, Span<const float>, Span<float>);
template void sum_without_barrier(Here&, Span<const float>, Span<float>);

}  // namespace tweed
