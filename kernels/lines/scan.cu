#include "kernels/lines/scan.h"
#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

template <class T>
__global__ void cumsum_kernel(Lines lines, bool reverse, bool exclusive, const T* __restrict__ x,
                              T* __restrict__ y) {
  for (int64_t line : grid_stride(lines.count())) {
    const int64_t last = lines.length - 1, begin = lines.begin(line);
    acc_t<T> sum = 0;
    for (int64_t k = 0; k <= last; ++k) {
      const int64_t at = begin + (reverse ? last - k : k) * lines.inner;
      const acc_t<T> before = sum;
      sum += load(x[at]);
      y[at] = store<T>(exclusive ? before : sum);
    }
  }
}

template <class T>
__global__ void product_kernel(Lines lines, const T* __restrict__ x, T* __restrict__ y) {
  for (int64_t line : grid_stride(lines.count())) {
    const int64_t begin = lines.begin(line);
    acc_t<T> v = 1;
    for (int64_t k = 0; k < lines.length; ++k) v *= load(x[begin + k * lines.inner]);
    y[line] = store<T>(v);
  }
}

// The product of the elements before each, then times that of those after it.
template <class T>
__global__ void product_backward_kernel(Lines lines, const T* __restrict__ x,
                                        const T* __restrict__ dy, T* __restrict__ dx) {
  for (int64_t line : grid_stride(lines.count())) {
    const int64_t begin = lines.begin(line);
    acc_t<T> before = 1, after = load(dy[line]);
    for (int64_t k = 0; k < lines.length; ++k) {
      const int64_t at = begin + k * lines.inner;
      dx[at] = store<T>(before);
      before *= load(x[at]);
    }
    for (int64_t k = lines.length - 1; k >= 0; --k) {
      const int64_t at = begin + k * lines.inner;
      dx[at] = store<T>(load(dx[at]) * after);
      after *= load(x[at]);
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

static Config config_of(const Lines& lines) {
  return {.grid = ceil_div(lines.count(), 256), .work = lines.count() * lines.length};
}

template <class M, class T>
void cumsum(M& here, const Lines& lines, bool reverse, bool exclusive, Span<const T> x, Span<T> y) {
  launch(cumsum_kernel<T>, config_of(lines), here, lines, reverse, exclusive, x, y);
}
template <class M, class T>
void product(M& here, const Lines& lines, Span<const T> x, Span<T> y) {
  launch(product_kernel<T>, config_of(lines), here, lines, x, y);
}
template <class M, class T>
void product_backward(M& here, const Lines& lines, Span<const T> x, Span<const T> dy, Span<T> dx) {
  launch(product_backward_kernel<T>, config_of(lines), here, lines, x, dy, dx);
}

#define INSTANTIATE(T)                                                           \
  template void cumsum(Here&, const Lines&, bool, bool, Span<const T>, Span<T>); \
  template void product(Here&, const Lines&, Span<const T>, Span<T>);            \
  template void product_backward(Here&, const Lines&, Span<const T>, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
