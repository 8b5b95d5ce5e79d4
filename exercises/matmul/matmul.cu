// A product of matrices, tile by tile.
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
  // WRITE: for each tile along the row of tiles of a and the column of tiles of b: every thread
  // loads one number of each into shared memory, then adds 16 products to its sum.
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
