// Softmax of rows, a warp for each, without shared memory.
#include "kernels/machine/kernel.h"
#include "softmax.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void softmax_kernel(int columns, const float* x, float* y) {
  const int lane = threadIdx.x;
  const float* from = x + int64_t(blockIdx.x) * columns;
  float* to = y + int64_t(blockIdx.x) * columns;
  float largest = -1e38f;
  for (int i = lane; i < columns; i += 32) largest = max(largest, from[i]);
  for (int distance = 16; distance > 0; distance /= 2)
    largest = max(largest, __shfl_xor_sync(0xffffffffu, largest, distance));
  float sum = 0;
  for (int i = lane; i < columns; i += 32) sum += exp(from[i] - largest);
  for (int distance = 16; distance > 0; distance /= 2)
    sum += __shfl_xor_sync(0xffffffffu, sum, distance);
  for (int i = lane; i < columns; i += 32) to[i] = exp(from[i] - largest) / sum;
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void softmax(M& here, int columns, Span<const float> x, Span<float> y) {
  launch(softmax_kernel, {.grid = unsigned(y.size() / columns), .block = {32}}, here, columns, x,
         y);
}
template void softmax(Here&, int, Span<const float>, Span<float>);

}  // namespace tweed::exercise
