// A matrix transposed, tile by tile.
#include "kernels/machine/kernel.h"
#include "transpose.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void transpose_kernel(int rows, int columns, const float* x, float* y) {
  // WRITE: copy a tile of 32 x 32 from x to shared memory, and from there to y. In both directions
  // the 32 threads with one threadIdx.y should touch 32 neighbouring floats of a row.
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
