// expects: data race on shared memory at matmul-one_barrier.cu
#include "kernels/machine/kernel.h"
#include "matmul.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void matmul_kernel(int n, const float* a, const float* b, float* c) {
  __shared__ float of_a[16][16], of_b[16][16];
  const int tiles = n / 16, x = threadIdx.x, y = threadIdx.y;
  const int row = int(blockIdx.x) / tiles * 16 + y, column = int(blockIdx.x) % tiles * 16 + x;
  float sum = 0;
  for (int tile = 0; tile < tiles; ++tile) {
    of_a[y][x] = a[row * n + tile * 16 + x];
    of_b[y][x] = b[(tile * 16 + y) * n + column];
    __syncthreads();
    for (int k = 0; k < 16; ++k) sum += of_a[y][k] * of_b[k][x];
  }
  c[row * n + column] = sum;
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void matmul(M& here, int n, Span<const float> a, Span<const float> b, Span<float> c) {
  launch(matmul_kernel, {.grid = unsigned(n / 16 * (n / 16)), .block = {16, 16}}, here, n, a, b, c);
}
template void matmul(Here&, int, Span<const float>, Span<const float>, Span<float>);

}  // namespace tweed::exercise
