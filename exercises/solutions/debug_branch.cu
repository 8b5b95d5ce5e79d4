// The largest number of each row.
#include "debug_branch.h"
#include "kernels/machine/kernel.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void largest_kernel(int columns, const float* x, float* y) {
  __shared__ float s[64];
  const float* row = x + int64_t(blockIdx.x) * columns;
  const int t = threadIdx.x;
  float most = -1e30f;
  for (int i = t; i < columns; i += 64) most = max(most, row[i]);
  s[t] = most;
  __syncthreads();
  for (int half = 32; half > 0; half /= 2) {
    if (t < half) s[t] = max(s[t], s[t + half]);
    __syncthreads();
  }
  if (t == 0) y[blockIdx.x] = s[0];
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void largest(M& here, int columns, Span<const float> x, Span<float> y) {
  launch(largest_kernel, {.grid = {unsigned(y.size())}, .block = {64}}, here, columns, x, y);
}
template void largest(Here&, int, Span<const float>, Span<float>);

}  // namespace tweed::exercise
