#include "kernels/conv/im2col.h"
#include "kernels/machine/kernel.h"
#include "kernels/packs/packs.h"
#include "kernels/quotient.h"

namespace tweed {
namespace MACHINE {

// The part of a window's row that lies within the image's: elements [first, last) of kernel * C,
// since both have their pixels and channels side by side.
__device__ inline Range inside(const Window& w, int64_t h, int64_t left) {
  const int64_t run = w.kernel * w.C, begin = left * w.C;
  if (h < 0 || h >= w.H) return {0, 0};
  const int64_t first = min(run, begin < 0 ? -begin : int64_t(0));
  const int64_t last = min(run, w.W * w.C - begin);
  return {first, last < first ? first : last};
}

// threadIdx.y walks windows, threadIdx.x a row of the window: channels and pixels.
template <class T>
__global__ void im2col_kernel(Window w, const T* __restrict__ image, T* __restrict__ columns) {
  const int64_t OH = w.out_h(), OW = w.out_w(), run = w.kernel * w.C;
  for (int64_t row : grid_rows(w.places())) {
    const int64_t n = row / (OH * OW);
    const int64_t top = row / OW % OH * w.stride - w.padding,
                  left = row % OW * w.stride - w.padding;
    T* __restrict__ out = columns + row * w.patch();
    for (int64_t h = top; h < top + w.kernel; ++h, out += run) {
      const Range part = inside(w, h, left);
      const T* __restrict__ in = image + ((n * w.H + h) * w.W + left) * w.C;
      for (int64_t e : block_stride(part.first)) out[e] = store<T>(0);
      for (int64_t e : block_stride(part.last - part.first))
        out[part.first + e] = in[part.first + e];
      for (int64_t e : block_stride(run - part.last)) out[part.last + e] = store<T>(0);
    }
  }
}

// col2im for few channels. A row of threads has a row of an image, whose sums are in shared memory,
// and adds one window after another to it, a row of kernel * C elements at once: loops over three
// channels alone would leave vectors and threads empty.
template <class T>
__global__ void col2im_rows_kernel(Window w, bool adds, const T* __restrict__ columns,
                                   T* __restrict__ image) {
  using A = acc_t<T>;
  const int64_t OH = w.out_h(), OW = w.out_w(), run = w.kernel * w.C, width = w.W * w.C;
  A* __restrict__ sum = dynamic_shared<A>() + threadIdx.y * width;
  for (int64_t row : grid_rows(w.N * w.H)) {
    const int64_t n = row / w.H, h = row % w.H;
    for (int64_t i : block_stride(width)) sum[i] = 0;
    __syncwarp();
    const Range rows = w.covering(h, OH);
    for (int64_t oh = rows.first; oh < rows.last; ++oh) {
      const T* __restrict__ in =
          columns + (n * OH + oh) * OW * w.patch() + (h + w.padding - oh * w.stride) * run;
      for (int64_t ow = 0; ow < OW; ++ow, in += w.patch()) {
        const int64_t left = ow * w.stride - w.padding;
        const Range part = inside(w, h, left);
        A* __restrict__ to = sum + left * w.C + part.first;
        const T* __restrict__ from = in + part.first;
        for (int64_t e : block_stride(part.last - part.first)) to[e] += load(from[e]);
        __syncwarp();  // the next window overlaps this one
      }
    }
    T* __restrict__ out = image + row * width;
    for (int64_t i : block_stride(width)) out[i] = store<T>(adds ? load(out[i]) + sum[i] : sum[i]);
    __syncwarp();
  }
}

// The gather form: each pixel adds up the windows that cover it. A block's row keeps the sums of a
// tile of channels in its own cells of shared memory.
constexpr int64_t col2im_tile = 256;
template <class T>
__global__ void col2im_kernel(Window w, bool adds, const T* __restrict__ columns,
                              T* __restrict__ image) {
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
      for (int64_t c : block_stride(width))
        out[c] = store<T>(adds ? load(out[c]) + sum[c] : sum[c]);
    }
  }
}

#ifndef TWEED_CPU
#include "kernels/packs/im2col_packs.h"
#endif

}  // namespace MACHINE
using namespace MACHINE;

static Dim block_for(int64_t channels) {
  return channels >= 32 ? Dim{32, 8} : channels >= 8 ? Dim{8, 32} : Dim{4, 64};
}

template <class M, class T>
void im2col(M& here, const Window& w, Span<const T> image, Span<T> columns) {
#ifndef TWEED_CPU
  if (im2col_packs(here, w, image, columns)) return;
#endif
  Dim block = block_for(w.kernel * w.C);
  launch(im2col_kernel<T>,
         {.grid = ceil_div(w.places(), block.y), .block = block, .work = columns.size()}, here, w,
         image, columns);
}
template <class M, class T>
void col2im(M& here, const Window& w, Span<const T> columns, Span<T> image, bool adds) {
#ifndef TWEED_CPU
  if (col2im_packs(here, w, columns, image, adds)) return;
#endif
  Dim block = {32, 8};
  const auto row_bytes = std::size_t(w.W * w.C) * sizeof(acc_t<T>);
  if (w.C < 16 && block.y * row_bytes <= shared_bytes_limit) {
    launch(col2im_rows_kernel<T>,
           {.grid = ceil_div(w.N * w.H, block.y),
            .block = block,
            .shared = block.y * row_bytes,
            .work = columns.size()},
           here, w, adds, columns, image);
    return;
  }
  launch(col2im_kernel<T>,
         {.grid = ceil_div(w.N * w.H * w.W, block.y),
          .block = block,
          .shared = block.y * col2im_tile * sizeof(acc_t<T>),
          .work = columns.size()},
         here, w, adds, columns, image);
}

#define INSTANTIATE(T)                                                \
  template void im2col(Here&, const Window&, Span<const T>, Span<T>); \
  template void col2im(Here&, const Window&, Span<const T>, Span<T>, bool);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
