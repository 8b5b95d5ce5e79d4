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
//     x[n, oh stride - padding + kh dilation, ..., first + c] weight[o, kh, kw, c]
// where `first` is the first channel of o's group.
template <class T>
__global__ void naive_forward_kernel(AnyConv conv, bool relu, const T* __restrict__ x,
                                     const T* __restrict__ weight, const T* __restrict__ bias,
                                     T* __restrict__ y) {
  const AnyWindow w = conv.window;
  const int64_t OH = w.out_h(), OW = w.out_w(), Co = conv.out_channels, C = conv.group_in();
  for (int64_t i : grid_stride(w.places() * Co)) {
    const int64_t place = i / Co, o = i - place * Co, first = o / conv.group_out() * C;
    const int64_t n = place / (OH * OW), oh = place / OW % OH, ow = place % OW;
    const Range down = w.rows.inside(oh, w.H), across = w.columns.inside(ow, w.W);
    acc_t<T> sum = bias ? load(bias[o]) : acc_t<T>(0);
    for (int64_t kh = down.first; kh < down.last; ++kh)
      for (int64_t kw = across.first; kw < across.last; ++kw) {
        const int64_t h = w.rows.pixel(oh, kh), v = w.columns.pixel(ow, kw);
        const T* pixel = x + ((n * w.H + h) * w.W + v) * w.C + first;
        const T* tap = weight + ((o * w.rows.kernel + kh) * w.columns.kernel + kw) * C;
        for (int64_t c = 0; c < C; ++c) sum += load(pixel[c]) * load(tap[c]);
      }
    y[i] = store<T>(relu && sum <= 0 ? acc_t<T>(0) : sum);
  }
}

// The gather form: a pixel asks which windows cover it. Scattering each window's share to its
// pixels would need atomic additions, whose order, and so whose last bits, differ from run to run.
template <class T>
__global__ void naive_backward_input_kernel(AnyConv conv, bool adds, const T* __restrict__ dz,
                                            const T* __restrict__ weight, T* __restrict__ dx) {
  const AnyWindow w = conv.window;
  const int64_t OH = w.out_h(), OW = w.out_w(), C = conv.group_in(), O = conv.group_out();
  for (int64_t i : grid_stride(w.N * w.H * w.W * w.C)) {
    const int64_t pixel = i / w.C, group = i % w.C / C, c = i % w.C - group * C;
    const int64_t n = pixel / (w.H * w.W), h = pixel / w.W % w.H, v = pixel % w.W;
    const Range rows = w.rows.covering(h, OH), columns = w.columns.covering(v, OW);
    acc_t<T> sum = 0;
    for (int64_t oh = rows.first; oh < rows.last; ++oh) {
      const int64_t kh = w.rows.tap(oh, h);
      if (kh < 0) continue;
      for (int64_t ow = columns.first; ow < columns.last; ++ow) {
        const int64_t kw = w.columns.tap(ow, v);
        if (kw < 0) continue;
        const T* at = dz + ((n * OH + oh) * OW + ow) * conv.out_channels + group * O;
        const T* tap = weight + group * O * conv.filter() + (kh * w.columns.kernel + kw) * C + c;
        for (int64_t o = 0; o < O; ++o) sum += load(at[o]) * load(tap[o * conv.filter()]);
      }
    }
    dx[i] = store<T>(adds ? load(dx[i]) + sum : sum);
  }
}

// Each weight sums over all pixels of the batch, in one thread. With few weights most of the GPU is
// idle (low occupancy): the stem of a ResNet has 9,408, and a large GPU holds 200,000 threads.
template <class T>
__global__ void naive_backward_weight_kernel(AnyConv conv, bool adds, const T* __restrict__ x,
                                             const T* __restrict__ dz, T* __restrict__ dweight) {
  const AnyWindow w = conv.window;
  const int64_t OH = w.out_h(), OW = w.out_w(), Co = conv.out_channels, C = conv.group_in();
  for (int64_t i : grid_stride(Co * conv.filter())) {
    const int64_t o = i / conv.filter(), c = o / conv.group_out() * C + i % C;
    const int64_t tap = i % conv.filter() / C;
    const int64_t kh = tap / w.columns.kernel, kw = tap % w.columns.kernel;
    const Range across = w.columns.seeing(kw, w.W, OW);
    acc_t<T> sum = 0;
    for (int64_t n = 0; n < w.N; ++n)
      for (int64_t oh = 0; oh < OH; ++oh) {
        const int64_t h = w.rows.pixel(oh, kh);
        if (h < 0 || h >= w.H) continue;
        for (int64_t ow = across.first; ow < across.last; ++ow)
          sum += load(dz[((n * OH + oh) * OW + ow) * Co + o]) *
                 load(x[((n * w.H + h) * w.W + w.columns.pixel(ow, kw)) * w.C + c]);
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
void conv_naive_forward(M& here, const AnyConv& c, Activation activation, Span<const T> x,
                        Span<const T> weight, Span<const T> bias, Span<T> y, int64_t blocks) {
  launch(naive_forward_kernel<T>, thread_each(y.size(), blocks), here, c,
         activation == Activation::relu, x, weight, bias, y);
}
template <class M, class T>
void conv_naive_backward_input(M& here, const AnyConv& c, bool adds, Span<const T> dz,
                               Span<const T> weight, Span<T> dx, int64_t blocks) {
  launch(naive_backward_input_kernel<T>, thread_each(dx.size(), blocks), here, c, adds, dz, weight,
         dx);
}
template <class M, class T>
void conv_naive_backward_weight(M& here, const AnyConv& c, bool adds, Span<const T> x,
                                Span<const T> dz, Span<T> dweight, int64_t blocks) {
  launch(naive_backward_weight_kernel<T>, thread_each(dweight.size(), blocks), here, c, adds, x, dz,
         dweight);
}

#define INSTANTIATE(T)                                                                 \
  template void conv_naive_forward(Here&, const AnyConv&, Activation, Span<const T>,   \
                                   Span<const T>, Span<const T>, Span<T>, int64_t);    \
  template void conv_naive_backward_input(Here&, const AnyConv&, bool, Span<const T>,  \
                                          Span<const T>, Span<T>, int64_t);            \
  template void conv_naive_backward_weight(Here&, const AnyConv&, bool, Span<const T>, \
                                           Span<const T>, Span<T>, int64_t);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
