// Layer normalisation of rows, a warp for each.
#include "kernels/machine/kernel.h"
#include "layer_norm.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__device__ inline float sum_over_warp(float v) {
  for (int distance = 16; distance > 0; distance /= 2)
    v += __shfl_xor_sync(0xffffffffu, v, distance);
  return v;
}

__global__ void layer_norm_kernel(int columns, float eps, const float* x, const float* gamma,
                                  const float* beta, float* y) {
  const int lane = threadIdx.x;
  const float* from = x + int64_t(blockIdx.x) * columns;
  float* to = y + int64_t(blockIdx.x) * columns;
  float mean = 0;
  for (int i = lane; i < columns; i += 32) mean += from[i];
  mean = sum_over_warp(mean) / columns;
  float squares = 0;
  for (int i = lane; i < columns; i += 32) squares += (from[i] - mean) * (from[i] - mean);
  const float scale = rsqrtf(sum_over_warp(squares) / columns + eps);
  for (int i = lane; i < columns; i += 32) to[i] = (from[i] - mean) * scale * gamma[i] + beta[i];
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
