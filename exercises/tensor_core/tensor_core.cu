// A matrix product on tensor cores, a warp for each tile of 16 x 8.
#include "kernels/machine/kernel.h"
#include "kernels/machine/tensor_cores.h"
#include "tensor_core.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void tensor_core_kernel(int columns, int k, const float* a, const float* b, float* c) {
  const int g = threadIdx.x / 4, t = threadIdx.x % 4;
  const int across = columns / 8;
  const int top = int(blockIdx.x) / across * 16, left = int(blockIdx.x) % across * 8;
  float sums[4] = {};
  // WRITE: along k in steps of 8, this lane's numbers of a and b, each by to_tf32(), in arrays
  // uint32_t[4] and uint32_t[2]; mma_tf32(sums, a's, b's). Then this lane's four sums into c.
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void tensor_core_product(M& here, int rows, int columns, int k, Span<const float> a,
                         Span<const float> b, Span<float> c) {
  launch(tensor_core_kernel, {.grid = unsigned(rows / 16 * (columns / 8)), .block = {32}}, here,
         columns, k, a, b, c);
}
template void tensor_core_product(Here&, int, int, int, Span<const float>, Span<const float>,
                                  Span<float>);

}  // namespace tweed::exercise
