// The first rung of the ladder: the definition, a thread for each number of the result.
//
// What it wastes: every multiply-add reads both its factors from global memory, 8 bytes in float
// for 2 operations. There is no reuse of data in registers or shared memory: the windows of
// neighbouring pixels overlap, and all output channels need the same window, but each thread loads
// it again, and only the caches save traffic to memory. In the forward pass the loads of weights
// are uncoalesced, too: the 32 lanes of a warp compute 32 output channels, whose weights lie K K Ci
// elements apart, so that one load touches 32 cache lines for 4 bytes of each.
#include "kernels/conv/naive.h"
#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

// y[n, oh, ow, o] = sum over kh, kw, c of
//     x[n, oh stride - padding + kh, ..., c] weight[o, kh, kw, c]
template <class T>
__global__ void naive_forward_kernel(Conv conv, bool relu, const T* __restrict__ x,
                                     const T* __restrict__ weight, const T* __restrict__ bias,
                                     T* __restrict__ y) {
  const Window w = conv.window;
  const int64_t OH = w.out_h(), OW = w.out_w(), Co = conv.out_channels;
  for (int64_t i : grid_stride(w.places() * Co)) {
    const int64_t place = i / Co, o = i - place * Co;
    const int64_t n = place / (OH * OW), oh = place / OW % OH, ow = place % OW;
    const int64_t top = oh * w.stride - w.padding, left = ow * w.stride - w.padding;
    acc_t<T> sum = bias ? load(bias[o]) : acc_t<T>(0);
    for (int64_t kh = max(-top, int64_t(0)); kh < min(w.kernel, w.H - top); ++kh)
      for (int64_t kw = max(-left, int64_t(0)); kw < min(w.kernel, w.W - left); ++kw) {
        const T* pixel = x + ((n * w.H + top + kh) * w.W + left + kw) * w.C;
        const T* tap = weight + ((o * w.kernel + kh) * w.kernel + kw) * w.C;
        for (int64_t c = 0; c < w.C; ++c) sum += load(pixel[c]) * load(tap[c]);
      }
    y[i] = store<T>(relu && sum <= 0 ? acc_t<T>(0) : sum);
  }
}

// The gather form: a pixel asks which windows cover it. Scattering each window's share to its
// pixels would need atomic additions, whose order, and so whose last bits, differ from run to run.
template <class T>
__global__ void naive_backward_input_kernel(Conv conv, bool adds, const T* __restrict__ dz,
                                            const T* __restrict__ weight, T* __restrict__ dx) {
  const Window w = conv.window;
  const int64_t OH = w.out_h(), OW = w.out_w(), Co = conv.out_channels;
  for (int64_t i : grid_stride(w.N * w.H * w.W * w.C)) {
    const int64_t pixel = i / w.C, c = i - pixel * w.C;
    const int64_t n = pixel / (w.H * w.W), h = pixel / w.W % w.H, v = pixel % w.W;
    const Range rows = w.covering(h, OH), columns = w.covering(v, OW);
    acc_t<T> sum = 0;
    for (int64_t oh = rows.first; oh < rows.last; ++oh)
      for (int64_t ow = columns.first; ow < columns.last; ++ow) {
        const int64_t kh = h + w.padding - oh * w.stride, kw = v + w.padding - ow * w.stride;
        const T* at = dz + ((n * OH + oh) * OW + ow) * Co;
        const T* tap = weight + (kh * w.kernel + kw) * w.C + c;
        for (int64_t o = 0; o < Co; ++o) sum += load(at[o]) * load(tap[o * w.patch()]);
      }
    dx[i] = store<T>(adds ? load(dx[i]) + sum : sum);
  }
}

// Each weight sums over all pixels of the batch, in one thread. With few weights most of the GPU is
// idle (low occupancy): the stem of a ResNet has 9,408, and a large GPU holds 200,000 threads.
template <class T>
__global__ void naive_backward_weight_kernel(Conv conv, bool adds, const T* __restrict__ x,
                                             const T* __restrict__ dz, T* __restrict__ dweight) {
  const Window w = conv.window;
  const int64_t OH = w.out_h(), OW = w.out_w(), Co = conv.out_channels;
  for (int64_t i : grid_stride(Co * w.patch())) {
    const int64_t o = i / w.patch(), c = i % w.C;
    const int64_t kh = i % w.patch() / (w.kernel * w.C), kw = i / w.C % w.kernel;
    acc_t<T> sum = 0;
    for (int64_t n = 0; n < w.N; ++n)
      for (int64_t oh = 0; oh < OH; ++oh) {
        const int64_t h = oh * w.stride - w.padding + kh;
        if (h < 0 || h >= w.H) continue;
        for (int64_t ow = 0; ow < OW; ++ow) {
          const int64_t v = ow * w.stride - w.padding + kw;
          if (v < 0 || v >= w.W) continue;
          sum += load(dz[((n * OH + oh) * OW + ow) * Co + o]) *
                 load(x[((n * w.H + h) * w.W + v) * w.C + c]);
        }
      }
    dweight[i] = store<T>(adds ? load(dweight[i]) + sum : sum);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

static Config thread_each(int64_t results, int64_t blocks) {
  return {.grid = blocks ? blocks : ceil_div(results, 256)};
}

template <class M, class T>
void conv_naive_forward(M& here, const Conv& c, Activation activation, Span<const T> x,
                        Span<const T> weight, Span<const T> bias, Span<T> y, int64_t blocks) {
  launch(naive_forward_kernel<T>, thread_each(y.size(), blocks), here, c,
         activation == Activation::relu, x, weight, bias, y);
}
template <class M, class T>
void conv_naive_backward_input(M& here, const Conv& c, bool adds, Span<const T> dz,
                               Span<const T> weight, Span<T> dx, int64_t blocks) {
  launch(naive_backward_input_kernel<T>, thread_each(dx.size(), blocks), here, c, adds, dz, weight,
         dx);
}
template <class M, class T>
void conv_naive_backward_weight(M& here, const Conv& c, bool adds, Span<const T> x,
                                Span<const T> dz, Span<T> dweight, int64_t blocks) {
  launch(naive_backward_weight_kernel<T>, thread_each(dweight.size(), blocks), here, c, adds, x, dz,
         dweight);
}

#define INSTANTIATE(T)                                                                             \
  template void conv_naive_forward(Here&, const Conv&, Activation, Span<const T>, Span<const T>,   \
                                   Span<const T>, Span<T>, int64_t);                               \
  template void conv_naive_backward_input(Here&, const Conv&, bool, Span<const T>, Span<const T>,  \
                                          Span<T>, int64_t);                                       \
  template void conv_naive_backward_weight(Here&, const Conv&, bool, Span<const T>, Span<const T>, \
                                           Span<T>, int64_t);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
