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
  // WRITE: the largest number of the row, the sum of exp(number - largest), and the quotients. What
  // one lane knows the others get by __shfl_xor_sync(0xffffffffu, value, distance).
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
