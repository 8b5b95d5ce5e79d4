// Layer normalisation of rows, a warp for each.
#include "kernels/machine/kernel.h"
#include "layer_norm.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void layer_norm_kernel(int columns, float eps, const float* x, const float* gamma,
                                  const float* beta, float* y) {
  const int lane = threadIdx.x;
  const float* from = x + int64_t(blockIdx.x) * columns;
  float* to = y + int64_t(blockIdx.x) * columns;
  // WRITE: the mean, the sum of squared deviations from it, and the results. What one lane knows
  // the others get by __shfl_xor_sync(0xffffffffu, value, distance); rsqrtf(v) is 1 / sqrt(v).
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void layer_norm(M& here, int columns, float eps, Span<const float> x, Span<const float> gamma,
                Span<const float> beta, Span<float> y) {
  launch(layer_norm_kernel, {.grid = unsigned(y.size() / columns), .block = {32}}, here, columns,
         eps, x, gamma, beta, y);
}
template void layer_norm(Here&, int, float, Span<const float>, Span<const float>, Span<const float>,
                         Span<float>);

}  // namespace tweed::exercise
