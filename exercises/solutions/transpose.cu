// A matrix transposed, tile by tile.
#include "kernels/machine/kernel.h"
#include "transpose.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void transpose_kernel(int rows, int columns, const float* x, float* y) {
  // With 33 words a row, the words of a column are in 32 different banks.
  __shared__ float tile[32][33];
  const int across = threadIdx.x, tiles = columns / 32;
  const int from_column = blockIdx.x % tiles * 32, from_row = blockIdx.x / tiles * 32;
  for (int down = threadIdx.y; down < 32; down += 8)
    tile[down][across] = x[int64_t(from_row + down) * columns + from_column + across];
  __syncthreads();
  for (int down = threadIdx.y; down < 32; down += 8)
    y[int64_t(from_column + down) * rows + from_row + across] = tile[across][down];
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void transpose(M& here, int rows, int columns, Span<const float> x, Span<float> y) {
  launch(transpose_kernel, {.grid = unsigned(rows / 32 * (columns / 32)), .block = {32, 8}}, here,
         rows, columns, x, y);
}
template void transpose(Here&, int, int, Span<const float>, Span<float>);

}  // namespace tweed::exercise
