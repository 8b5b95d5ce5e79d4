#include "kernels/conv/pack_pixels.h"
#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

// A pixel, with its padding, for a row of the block.
template <class T>
__global__ void pack_pixels_kernel(Packing p, int64_t W, int64_t C, int64_t pixels,
                                   const T* __restrict__ images, T* __restrict__ packed) {
  const int64_t columns = p.columns(W);
  for (int64_t i : grid_rows(pixels)) {
    const int64_t row = i / (columns * p.pixels);
    const int64_t column = i - row * columns * p.pixels - p.border;
    const T* __restrict__ from = images + (row * W + column) * C;
    const bool inside = column >= 0 && column < W;
    for (int64_t c : block_stride(p.channels))
      packed[i * p.channels + c] = inside && c < C ? from[c] : store<T>(0);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void pack_pixels(M& here, const Packing& p, int64_t W, int64_t C, Span<const T> images,
                 Span<T> packed) {
  const int64_t pixels = packed.size() / p.channels;
  const Dim block = p.channels <= 8 ? Dim{1, 256} : Dim{32, 8};
  launch(pack_pixels_kernel<T>, {.grid = ceil_div(pixels, block.y), .block = block}, here, p, W, C,
         pixels, images, packed);
}

#define INSTANTIATE(T) \
  template void pack_pixels(Here&, const Packing&, int64_t, int64_t, Span<const T>, Span<T>);
INSTANTIATE(float)
INSTANTIATE(bf16)

}  // namespace tweed
