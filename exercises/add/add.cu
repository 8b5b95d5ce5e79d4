// y = a + b: one thread for each element.
#include "add.h"
#include "kernels/machine/kernel.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void add_kernel(int64_t n, const float* a, const float* b, float* y) {
  // WRITE: which element is this thread's? The last block may have threads without one.
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void add(M& here, Span<const float> a, Span<const float> b, Span<float> y) {
  constexpr unsigned threads = 64;
  const unsigned blocks = unsigned((y.size() + threads - 1) / threads);
  if (blocks) launch(add_kernel, {.grid = {blocks}, .block = {threads}}, here, y.size(), a, b, y);
}
template void add(Here&, Span<const float>, Span<const float>, Span<float>);

}  // namespace tweed::exercise
