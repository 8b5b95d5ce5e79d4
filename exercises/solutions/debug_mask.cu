// The largest number of each row, by a warp's exchanges.
#include "debug_mask.h"
#include "kernels/machine/kernel.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void row_maxima_kernel(int columns, const float* x, float* largest) {
  const int lane = threadIdx.x;
  float v = lane < columns ? x[int64_t(blockIdx.x) * columns + lane] : -INFINITY;
  for (int distance = 16; distance > 0; distance /= 2)
    v = max(v, __shfl_xor_sync(0xffffffffu, v, distance));
  if (lane == 0) largest[blockIdx.x] = v;
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void row_maxima(M& here, int columns, Span<const float> x, Span<float> largest) {
  launch(row_maxima_kernel, {.grid = {unsigned(largest.size())}, .block = {32}}, here, columns, x,
         largest);
}
template void row_maxima(Here&, int, Span<const float>, Span<float>);

}  // namespace tweed::exercise
