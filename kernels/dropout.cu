#include "kernels/dropout.h"
#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

// A thread draws four numbers at a time. Without x, it is ones. Multiplying (not choosing) keeps
// NaN and infinity.
template <class T>
__global__ void dropout_kernel(int64_t n, RandomKey first, const int32_t* __restrict__ clock,
                               float p, acc_t<T> scale, const T* __restrict__ x,
                               T* __restrict__ y) {
  using A = acc_t<T>;
  const RandomKey key = first.at(clock);
  const int64_t skip = key.skipped(n);
  auto put = [&](int64_t i, A factor) { y[i] = store<T>(x ? load(x[i]) * factor : factor); };
  for (int64_t four : grid_stride(n / 4)) {
    const Random4 random = key.block(four, skip);
#pragma unroll
    for (int k = 0; k < 4; ++k) put(four * 4 + k, uniform_float(random.v[k]) < p ? A(0) : scale);
  }
  for (int64_t i : grid_stride(n % 4)) {
    put(n / 4 * 4 + i, uniform_float(key.block(n / 4, skip).v[i]) < p ? A(0) : scale);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void dropout(M& here, const ClockedKey& key, double p, Span<const T> x, Span<T> y) {
  const acc_t<T> scale = p < 1 ? acc_t<T>(1 / (1 - p)) : acc_t<T>(0);
  launch(dropout_kernel<T>, {.grid = ceil_div(y.size(), 1024)}, here, y.size(), key.key, key.clock,
         float(p), scale, x, y);
}

#define INSTANTIATE(T) \
  template void dropout(Here&, const ClockedKey&, double, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
