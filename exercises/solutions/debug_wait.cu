// Blocks of 128 numbers, turned round.
#include "debug_wait.h"
#include "kernels/machine/kernel.h"
#include "kernels/machine/tensor_cores.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void turned_round_kernel(const float* x, float* y) {
  __shared__ __align__(16) float s[128];
  const int t = threadIdx.x;
  const int64_t begin = int64_t(blockIdx.x) * 128;
  cp_async(&s[4 * t], x + begin + 4 * t, true);
  cp_async_commit();
  cp_async_wait<0>();
  __syncthreads();
  for (int i = t; i < 128; i += 32) y[begin + i] = s[127 - i];
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void turned_round(M& here, Span<const float> x, Span<float> y) {
  launch(turned_round_kernel, {.grid = {unsigned(y.size() / 128)}, .block = {32}}, here, x, y);
}
template void turned_round(Here&, Span<const float>, Span<float>);

}  // namespace tweed::exercise
