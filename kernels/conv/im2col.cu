#include "kernels/conv/im2col.h"
#include "kernels/machine/kernel.h"
#include "kernels/packs/packs.h"
#include "kernels/quotient.h"

namespace tweed {
namespace MACHINE {

// The part of a window's row that lies within the image's: elements [first, last) of kernel * C,
// since both have their pixels and channels side by side.
__device__ inline Range inside(const AnyWindow& w, int64_t h, int64_t left) {
  const int64_t run = w.columns.kernel * w.C, begin = left * w.C;
  if (h < 0 || h >= w.H) return {0, 0};
  const int64_t first = min(run, begin < 0 ? -begin : int64_t(0));
  const int64_t last = min(run, w.W * w.C - begin);
  return {first, last < first ? first : last};
}

// threadIdx.y walks windows, threadIdx.x a row of the window: channels and pixels.
template <class T>
__global__ void im2col_kernel(AnyWindow w, const T* __restrict__ image, T* __restrict__ columns) {
  const int64_t OH = w.out_h(), OW = w.out_w(), run = w.columns.kernel * w.C;
  for (int64_t row : grid_rows(w.places())) {
    const int64_t n = row / (OH * OW), oh = row / OW % OH;
    const int64_t left = w.columns.pixel(row % OW, 0);
    T* __restrict__ out = columns + row * w.patch();
    for (int64_t kh = 0; kh < w.rows.kernel; ++kh, out += run) {
      const int64_t h = w.rows.pixel(oh, kh);
      const Range part = inside(w, h, left);
      const T* __restrict__ in = image + ((n * w.H + h) * w.W + left) * w.C;
      for (int64_t e : block_stride(part.first)) out[e] = store<T>(0);
      for (int64_t e : block_stride(part.last - part.first))
        out[part.first + e] = in[part.first + e];
      for (int64_t e : block_stride(run - part.last)) out[part.last + e] = store<T>(0);
    }
  }
}

// The same tap by tap, for groups and for taps that lie apart: threadIdx.x has a group's channels.
template <class T>
__global__ void im2col_taps_kernel(AnyWindow w, int64_t groups, const T* __restrict__ image,
                                   T* __restrict__ columns) {
  const int64_t OH = w.out_h(), OW = w.out_w(), C = w.C / groups;
  for (int64_t row : grid_rows(w.places())) {
    const int64_t n = row / (OH * OW), oh = row / OW % OH, ow = row % OW;
    T* __restrict__ out = columns + row * w.patch();
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t kh = 0; kh < w.rows.kernel; ++kh)
        for (int64_t kw = 0; kw < w.columns.kernel; ++kw, out += C) {
          const int64_t h = w.rows.pixel(oh, kh), v = w.columns.pixel(ow, kw);
          const bool beyond = h < 0 || h >= w.H || v < 0 || v >= w.W;
          const T* __restrict__ in = image + ((n * w.H + h) * w.W + v) * w.C + g * C;
          for (int64_t c : block_stride(C)) out[c] = beyond ? store<T>(0) : in[c];
        }
  }
}

// col2im for few channels. A row of threads has a row of an image, whose sums are in shared memory,
// and adds one window after another to it, a row of kernel * C elements at once: loops over three
// channels alone would leave vectors and threads empty.
template <class T>
__global__ void col2im_rows_kernel(AnyWindow w, bool adds, const T* __restrict__ columns,
                                   T* __restrict__ image) {
  using A = acc_t<T>;
  const int64_t OH = w.out_h(), OW = w.out_w(), run = w.columns.kernel * w.C, width = w.W * w.C;
  A* __restrict__ sum = dynamic_shared<A>() + threadIdx.y * width;
  for (int64_t row : grid_rows(w.N * w.H)) {
    const int64_t n = row / w.H, h = row % w.H;
    for (int64_t i : block_stride(width)) sum[i] = 0;
    __syncwarp();
    const Range rows = w.rows.covering(h, OH);
    for (int64_t oh = rows.first; oh < rows.last; ++oh) {
      const int64_t kh = w.rows.tap(oh, h);
      if (kh < 0) continue;
      const T* __restrict__ in = columns + (n * OH + oh) * OW * w.patch() + kh * run;
      for (int64_t ow = 0; ow < OW; ++ow, in += w.patch()) {
        const int64_t left = w.columns.pixel(ow, 0);
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
// tile of a group's channels in its own cells of shared memory.
constexpr int64_t col2im_tile = 256;
template <class T>
__global__ void col2im_kernel(AnyWindow w, int64_t groups, bool adds, const T* __restrict__ columns,
                              T* __restrict__ image) {
  using A = acc_t<T>;
  A* __restrict__ sum = dynamic_shared<A>() + threadIdx.y * col2im_tile;
  const int64_t OH = w.out_h(), OW = w.out_w(), C = w.C / groups;
  const int64_t tiles = (C + col2im_tile - 1) / col2im_tile;
  for (int64_t pixel : grid_rows(w.N * w.H * w.W)) {
    const int64_t n = pixel / (w.H * w.W);
    const int64_t h = pixel / w.W % w.H, v = pixel % w.W;
    const Range rows = w.rows.covering(h, OH), places = w.columns.covering(v, OW);
    for (int64_t tile = 0; tile < groups * tiles; ++tile) {
      const int64_t g = tile / tiles, c0 = tile % tiles * col2im_tile;
      const int64_t width = min(col2im_tile, C - c0);
      for (int64_t c : block_stride(width)) sum[c] = 0;
      for (int64_t oh = rows.first; oh < rows.last; ++oh) {
        const int64_t kh = w.rows.tap(oh, h);
        if (kh < 0) continue;
        for (int64_t ow = places.first; ow < places.last; ++ow) {
          const int64_t kw = w.columns.tap(ow, v);
          if (kw < 0) continue;
          const int64_t tap = (g * w.rows.kernel + kh) * w.columns.kernel + kw;
          const T* __restrict__ in = columns + ((n * OH + oh) * OW + ow) * w.patch() + tap * C + c0;
          for (int64_t c : block_stride(width)) sum[c] += load(in[c]);
        }
      }
      T* __restrict__ out = image + pixel * w.C + g * C + c0;
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

// Whether the taps of a window's row lie side by side, in the image and in the columns.
static bool has_whole_rows(const AnyWindow& w, int64_t groups) {
  return groups == 1 && w.columns.dilation == 1;
}

template <class M, class T>
void im2col(M& here, const AnyWindow& w, Span<const T> image, Span<T> columns, int64_t groups) {
#ifndef TWEED_CPU
  if (groups == 1 && w.is_square() && im2col_packs(here, w.square(), image, columns)) return;
#endif
  const bool whole = has_whole_rows(w, groups);
  const Dim block = block_for(whole ? w.columns.kernel * w.C : w.C / groups);
  const Config config = {
      .grid = ceil_div(w.places(), block.y), .block = block, .work = columns.size()};
  if (whole)
    launch(im2col_kernel<T>, config, here, w, image, columns);
  else
    launch(im2col_taps_kernel<T>, config, here, w, groups, image, columns);
}
template <class M, class T>
void col2im(M& here, const AnyWindow& w, Span<const T> columns, Span<T> image, bool adds,
            int64_t groups) {
#ifndef TWEED_CPU
  if (groups == 1 && w.is_square() && col2im_packs(here, w.square(), columns, image, adds)) return;
#endif
  const auto row_bytes = std::size_t(w.W * w.C) * sizeof(acc_t<T>);
  if (const Dim block = {32, 8};
      has_whole_rows(w, groups) && w.C < 16 && block.y * row_bytes <= shared_bytes_limit) {
    launch(col2im_rows_kernel<T>,
           {.grid = ceil_div(w.N * w.H, block.y),
            .block = block,
            .shared = block.y * row_bytes,
            .work = columns.size()},
           here, w, adds, columns, image);
    return;
  }
  // A row of threads has a tile of its own: as many rows as there is shared memory for.
  const Dim block = groups == 1 || w.C / groups >= 32 ? Dim{32, 8} : Dim{8, 16};
  launch(col2im_kernel<T>,
         {.grid = ceil_div(w.N * w.H * w.W, block.y),
          .block = block,
          .shared = block.y * col2im_tile * sizeof(acc_t<T>),
          .work = columns.size()},
         here, w, groups, adds, columns, image);
}

#define INSTANTIATE(T)                                                            \
  template void im2col(Here&, const AnyWindow&, Span<const T>, Span<T>, int64_t); \
  template void col2im(Here&, const AnyWindow&, Span<const T>, Span<T>, bool, int64_t);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
