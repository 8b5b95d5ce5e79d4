// Running sums of 128 numbers. There is a mistake in it.
#include "debug_sum.h"
#include "kernels/machine/kernel.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void running_sums_kernel(const float* x, float* y) {
  __shared__ float s[128];
  const int t = threadIdx.x;
  const int64_t i = int64_t(blockIdx.x) * 128 + t;
  s[t] = x[i];
  __syncthreads();
  for (int away = 1; away < 128; away *= 2) {
    const float before = t >= away ? s[t - away] : 0;
    s[t] += before;
    __syncthreads();
  }
  y[i] = s[t];
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void running_sums(M& here, Span<const float> x, Span<float> y) {
  launch(running_sums_kernel, {.grid = {unsigned(y.size() / 128)}, .block = {128}}, here, x, y);
}
template void running_sums(Here&, Span<const float>, Span<float>);

}  // namespace tweed::exercise
