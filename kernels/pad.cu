#include "kernels/machine/kernel.h"
#include "kernels/pad.h"

namespace tweed {
namespace MACHINE {

template <class T>
__global__ void pad_forward_kernel(PadPass p, const T* __restrict__ x, T* __restrict__ y) {
  for (int64_t row : grid_rows(p.outer * p.out())) {
    const int64_t n = row / p.out(), o = row - n * p.out();
    const T* __restrict__ from = x + (n * p.size + p.source(o)) * p.inner;
    T* __restrict__ to = y + row * p.inner;
    for (int64_t c : block_stride(p.inner)) to[c] = from[c];
  }
}

template <class T>
__global__ void pad_backward_kernel(PadPass p, const T* __restrict__ dy, T* __restrict__ dx) {
  for (int64_t row : grid_rows(p.outer * p.size)) {
    const int64_t n = row / p.size, i = row - n * p.size;
    const Range before = p.shown_before(i), behind = p.shown_behind(i);
    const T* __restrict__ from = dy + n * p.out() * p.inner;
    T* __restrict__ to = dx + row * p.inner;
    for (int64_t c : block_stride(p.inner)) {
      acc_t<T> sum = load(from[(p.before + i) * p.inner + c]);
      for (int64_t o = before.first; o < before.last; ++o) sum += load(from[o * p.inner + c]);
      for (int64_t o = behind.first; o < behind.last; ++o) sum += load(from[o * p.inner + c]);
      to[c] = store<T>(sum);
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

// As many threads side by side as a short row has elements.
static Config rows_config(int64_t rows, int64_t width) {
  int x = 1;
  while (x < 32 && x < width) x *= 2;
  const Dim block = {x, 256 / x};
  return {.grid = ceil_div(rows, block.y), .block = block, .work = rows * width};
}

template <class M, class T>
void pad_forward(M& here, const PadPass& p, Span<const T> x, Span<T> y) {
  launch(pad_forward_kernel<T>, rows_config(p.outer * p.out(), p.inner), here, p, x, y);
}
template <class M, class T>
void pad_backward(M& here, const PadPass& p, Span<const T> dy, Span<T> dx) {
  launch(pad_backward_kernel<T>, rows_config(p.outer * p.size, p.inner), here, p, dy, dx);
}

#define INSTANTIATE(T)                                                      \
  template void pad_forward(Here&, const PadPass&, Span<const T>, Span<T>); \
  template void pad_backward(Here&, const PadPass&, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
