// The sum of each block's 256 numbers, as a tree in shared memory.
#include "kernels/machine/kernel.h"
#include "reduce.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void reduce_kernel(const float* x, float* y) {
  __shared__ float s[256];
  const int t = threadIdx.x;
  s[t] = x[int64_t(blockIdx.x) * 256 + t];
  // WRITE: halve the number of sums again and again, until s[0] is the sum of all; then one thread
  // writes it to y[blockIdx.x].
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
