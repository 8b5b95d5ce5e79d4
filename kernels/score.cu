#include "kernels/score.h"

#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

template <class T>
__global__ void add_score_kernel(int64_t n, const T* __restrict__ loss,
                                 const int32_t* __restrict__ ranks, double* __restrict__ totals) {
  for (int64_t block : grid_blocks(1)) {
    const double first = block_sum(n, [&](int64_t i) { return double(ranks[i] < 1); });
    const double five = block_sum(n, [&](int64_t i) { return double(ranks[i] < 5); });
    if (threadIdx.x == 0) {
      totals[block] += double(load(loss[0])) * double(n);
      totals[block + 1] += first;
      totals[block + 2] += five;
      totals[block + 3] += double(n);
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void add_score(M& here, Span<const T> loss, Span<const int32_t> ranks, Span<double> totals) {
  launch(add_score_kernel<T>, {.grid = 1, .work = ranks.size()}, here, ranks.size(), loss, ranks,
         totals);
}

#define INSTANTIATE(T) \
  template void add_score(Here&, Span<const T>, Span<const int32_t>, Span<double>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
