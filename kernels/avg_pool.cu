#include "kernels/machine/kernel.h"
#include "kernels/pool.h"

namespace tweed {
namespace MACHINE {

// Rows of places or pixels; each thread keeps its channels of a tile in its own cells of shared
// memory.
constexpr int64_t avg_pool_tile = 256;

template <class T>
__global__ void avg_pool_forward_kernel(Window w, const T* __restrict__ x, T* __restrict__ y) {
  using A = acc_t<T>;
  A* __restrict__ sum = dynamic_shared<A>() + threadIdx.y * avg_pool_tile;
  const int64_t OH = w.out_h(), OW = w.out_w(), C = w.C;
  const A cells = A(w.kernel * w.kernel);
  for (int64_t place : grid_rows(w.places())) {
    const int64_t line = place / OW, n = line / OH;
    const int64_t top = (line - n * OH) * w.stride - w.padding;
    const int64_t left = (place - line * OW) * w.stride - w.padding;
    for (int64_t c0 = 0; c0 < C; c0 += avg_pool_tile) {
      const int64_t width = min(avg_pool_tile, C - c0);
      for (int64_t c : block_stride(width)) sum[c] = 0;
      for (int64_t h = max(top, int64_t(0)); h < min(top + w.kernel, w.H); ++h)
        for (int64_t v = max(left, int64_t(0)); v < min(left + w.kernel, w.W); ++v) {
          const T* __restrict__ in = x + ((n * w.H + h) * w.W + v) * C + c0;
          for (int64_t c : block_stride(width)) sum[c] += load(in[c]);
        }
      T* __restrict__ out = y + place * C + c0;
      for (int64_t c : block_stride(width)) out[c] = store<T>(sum[c] / cells);
    }
  }
}

// The gather form: the windows that cover a pixel, o * stride <= i < o * stride + kernel.
template <class T>
__global__ void avg_pool_backward_kernel(Window w, const T* __restrict__ dy, T* __restrict__ dx) {
  using A = acc_t<T>;
  A* __restrict__ sum = dynamic_shared<A>() + threadIdx.y * avg_pool_tile;
  const int64_t OH = w.out_h(), OW = w.out_w(), C = w.C;
  const A cells = A(w.kernel * w.kernel);
  for (int64_t pixel : grid_rows(w.N * w.H * w.W)) {
    const int64_t line = pixel / w.W, n = line / w.H;
    const int64_t h = line - n * w.H + w.padding, v = pixel - line * w.W + w.padding;
    const int64_t oh0 = h < w.kernel ? 0 : (h - w.kernel) / w.stride + 1;
    const int64_t ow0 = v < w.kernel ? 0 : (v - w.kernel) / w.stride + 1;
    for (int64_t c0 = 0; c0 < C; c0 += avg_pool_tile) {
      const int64_t width = min(avg_pool_tile, C - c0);
      for (int64_t c : block_stride(width)) sum[c] = 0;
      for (int64_t oh = oh0; oh <= min(h / w.stride, OH - 1); ++oh)
        for (int64_t ow = ow0; ow <= min(v / w.stride, OW - 1); ++ow) {
          const T* __restrict__ in = dy + ((n * OH + oh) * OW + ow) * C + c0;
          for (int64_t c : block_stride(width)) sum[c] += load(in[c]);
        }
      T* __restrict__ out = dx + pixel * C + c0;
      for (int64_t c : block_stride(width)) out[c] = store<T>(sum[c] / cells);
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class A>
static Config tile_config(int64_t rows) {
  const Dim block = {32, 8};
  return {.grid = ceil_div(rows, block.y),
          .block = block,
          .shared = block.y * avg_pool_tile * sizeof(A)};
}

template <class M, class T>
void avg_pool_forward(M& here, const Window& w, Span<const T> x, Span<T> y) {
  launch(avg_pool_forward_kernel<T>, tile_config<acc_t<T>>(w.places()), here, w, x, y);
}
template <class M, class T>
void avg_pool_backward(M& here, const Window& w, Span<const T> dy, Span<T> dx) {
  launch(avg_pool_backward_kernel<T>, tile_config<acc_t<T>>(w.N * w.H * w.W), here, w, dy, dx);
}

#define INSTANTIATE(T)                                                          \
  template void avg_pool_forward(Here&, const Window&, Span<const T>, Span<T>); \
  template void avg_pool_backward(Here&, const Window&, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
