#include "kernels/im2col.h"

#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

// threadIdx.y walks windows, threadIdx.x walks channels, which are contiguous.
template <class T>
__global__ void im2col_kernel(Window w, const T* __restrict__ image, T* __restrict__ columns) {
  const int64_t OH = w.out_h(), OW = w.out_w();
  for (int64_t row : grid_rows(w.places())) {
    const int64_t n = row / (OH * OW);
    const int64_t top = row / OW % OH * w.stride - w.padding, left = row % OW * w.stride - w.padding;
    T* out = columns + row * w.patch();
    for (int64_t h = top; h < top + w.kernel; ++h)
      for (int64_t v = left; v < left + w.kernel; ++v, out += w.C) {
        if (h >= 0 && h < w.H && v >= 0 && v < w.W) {
          const T* in = image + ((n * w.H + h) * w.W + v) * w.C;
          for (int64_t c : block_stride(w.C)) out[c] = in[c];
        } else {
          for (int64_t c : block_stride(w.C)) out[c] = store<T>(0);
        }
      }
  }
}

// The gather form: each pixel adds up the windows that cover it. A block's row keeps the sums of a tile of channels in its own cells of shared memory.
constexpr int64_t col2im_tile = 256;
template <class T>
__global__ void col2im_kernel(Window w, const T* __restrict__ columns, T* __restrict__ image) {
  using A = acc_t<T>;
  A* __restrict__ sum = dynamic_shared<A>() + threadIdx.y * col2im_tile;
  const int64_t OH = w.out_h(), OW = w.out_w();
  for (int64_t pixel : grid_rows(w.N * w.H * w.W)) {
    const int64_t n = pixel / (w.H * w.W);
    const int64_t h = pixel / w.W % w.H, v = pixel % w.W;
    const Range rows = w.covering(h, OH), places = w.covering(v, OW);
    for (int64_t c0 = 0; c0 < w.C; c0 += col2im_tile) {
      const int64_t width = min(col2im_tile, w.C - c0);
      for (int64_t c : block_stride(width)) sum[c] = 0;
      for (int64_t oh = rows.first; oh < rows.last; ++oh)
        for (int64_t ow = places.first; ow < places.last; ++ow) {
          const int64_t cell =
              (h + w.padding - oh * w.stride) * w.kernel + v + w.padding - ow * w.stride;
          const T* __restrict__ in =
              columns + ((n * OH + oh) * OW + ow) * w.patch() + cell * w.C + c0;
          for (int64_t c : block_stride(width)) sum[c] += load(in[c]);
        }
      T* __restrict__ out = image + pixel * w.C + c0;
      for (int64_t c : block_stride(width)) out[c] = store<T>(sum[c]);
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

static Dim block_for(int64_t channels) {
  return channels >= 32 ? Dim{32, 8} : channels >= 8 ? Dim{8, 32} : Dim{4, 64};
}

template <class M, class T>
void im2col(M& here, const Window& w, Span<const T> image, Span<T> columns) {
  Dim block = block_for(w.C);
  launch(im2col_kernel<T>, {.grid = ceil_div(w.places(), block.y), .block = block, .work = columns.size()}, here, w,
         image, columns);
}
template <class M, class T>
void col2im(M& here, const Window& w, Span<const T> columns, Span<T> image) {
  Dim block = {32, 8};
  launch(col2im_kernel<T>,
         {.grid = ceil_div(w.N * w.H * w.W, block.y),
          .block = block,
          .shared = block.y * col2im_tile * sizeof(acc_t<T>),
          .work = columns.size()},
         here, w, columns, image);
}

#define INSTANTIATE(T)                                                \
  template void im2col(Here&, const Window&, Span<const T>, Span<T>); \
  template void col2im(Here&, const Window&, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
