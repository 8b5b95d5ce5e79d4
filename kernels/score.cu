#include "kernels/machine/kernel.h"
#include "kernels/score.h"

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

template <class T>
__global__ void log_step_kernel(int64_t rows, int64_t parts, const int32_t* __restrict__ clock,
                                const double* __restrict__ totals, const T* __restrict__ first,
                                const T* __restrict__ last, double* __restrict__ log) {
  for (int64_t block : grid_blocks(1)) {
    if (threadIdx.x > 0) continue;
    double* row = log + (clock[block] / parts) % rows * 6;
    for (int k = 0; k < 4; ++k) row[k] = totals[k];
    row[4] = double(load(first[0]));
    row[5] = double(load(last[0]));
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void add_score(M& here, Span<const T> loss, Span<const int32_t> ranks, Span<double> totals) {
  launch(add_score_kernel<T>, {.grid = 1, .work = ranks.size()}, here, ranks.size(), loss, ranks,
         totals);
}

template <class M, class T>
void log_step(M& here, Span<const int32_t> clock, int64_t parts, Span<const double> totals,
              Span<const T> first, Span<const T> last, Span<double> log) {
  launch(log_step_kernel<T>, {.grid = 1, .work = 1}, here, log.size() / 6, parts, clock, totals,
         first, last, log);
}

#define INSTANTIATE(T)                                                                           \
  template void add_score(Here&, Span<const T>, Span<const int32_t>, Span<double>);              \
  template void log_step(Here&, Span<const int32_t>, int64_t, Span<const double>, Span<const T>, \
                         Span<const T>, Span<double>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
