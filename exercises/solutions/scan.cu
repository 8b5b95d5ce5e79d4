// Running sums of any number of numbers.
#include "kernels/machine/kernel.h"
#include "scan.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

__global__ void scan_blocks_kernel(int64_t n, const float* x, float* y, float* totals) {
  __shared__ float s[256];
  const int t = threadIdx.x;
  const int64_t i = int64_t(blockIdx.x) * 256 + t;
  s[t] = i < n ? x[i] : 0;
  __syncthreads();
  for (int away = 1; away < 256; away *= 2) {
    const float before = t >= away ? s[t - away] : 0;
    __syncthreads();
    s[t] += before;
    __syncthreads();
  }
  if (i < n) y[i] = s[t];
  if (t == 255) totals[blockIdx.x] = s[255];
}

__global__ void add_totals_kernel(int64_t n, float* y, const float* totals) {
  __shared__ float offset;
  const int64_t i = int64_t(blockIdx.x) * 256 + threadIdx.x;
  if (threadIdx.x == 0) {
    float sum = 0;
    for (int block = 0; block < int(blockIdx.x); ++block) sum += totals[block];
    offset = sum;
  }
  __syncthreads();
  if (i < n) y[i] += offset;
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void scan(M& here, Span<const float> x, Span<float> y, Span<float> totals) {
  const Config config{.grid = unsigned(totals.size()), .block = {256}};
  launch(scan_blocks_kernel, config, here, x.size(), x, y, totals);
  launch(add_totals_kernel, config, here, x.size(), y, Span<const float>(totals));
}
template void scan(Here&, Span<const float>, Span<float>, Span<float>);

}  // namespace tweed::exercise
