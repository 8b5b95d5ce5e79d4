#include "kernels/machine/kernel.h"
#include "kernels/math.h"
#include "swish.h"

namespace tweed {
namespace MACHINE {

template <class T>
__global__ void swish_forward_kernel(const T* __restrict__ x, T* __restrict__ y, int64_t n) {
  using A = acc_t<T>;
  for (int64_t i : grid_stride(n)) y[i] = store<T>(load(x[i]) / (A(1) + exp(-load(x[i]))));
}

template <class T>
__global__ void swish_backward_kernel(const T* __restrict__ x, const T* __restrict__ dy,
                                      T* __restrict__ dx, int64_t n) {
  using A = acc_t<T>;
  for (int64_t i : grid_stride(n)) {
    const A v = load(x[i]), s = A(1) / (A(1) + exp(-v));
    dx[i] = store<T>(load(dy[i]) * s * (A(1) + v * (A(1) - s)));
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void swish_forward(M& here, Span<const T> x, Span<T> y) {
  launch(swish_forward_kernel<T>, {.grid = ceil_div(y.size(), 256)}, here, x, y, y.size());
}
template <class M, class T>
void swish_backward(M& here, Span<const T> x, Span<const T> dy, Span<T> dx) {
  launch(swish_backward_kernel<T>, {.grid = ceil_div(dx.size(), 256)}, here, x, dy, dx, dx.size());
}

#define INSTANTIATE(T)                                        \
  template void swish_forward(Here&, Span<const T>, Span<T>); \
  template void swish_backward(Here&, Span<const T>, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
