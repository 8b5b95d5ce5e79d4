// A multiply-add reads two numbers, and nothing of a sum is shared between channels: no product of
// matrices, no tensor cores, and memory is what counts. So a pixel's channels are read side by
// side, the sums stay in registers until all taps have passed, and neighbouring windows find their
// pixels in the cache.
#include "kernels/conv/depthwise.h"
#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

// Calls f<lanes>(c) for pieces of [0, channels) that are `lanes` wide: a thread has one channel,
// and `cpu` as many as fill its registers.
template <class F>
__device__ inline void for_channels(int64_t channels, F f) {
#ifdef TWEED_CPU
  int64_t c = 0;
  for (; c + 32 <= channels; c += 32) f.template operator()<32>(c);
  for (; c + 8 <= channels; c += 8) f.template operator()<8>(c);
  for (; c < channels; ++c) f.template operator()<1>(c);
#else
  for (int64_t c : block_stride(channels)) f.template operator()<1>(c);
#endif
}

template <class T>
__global__ void depthwise_turn_kernel(AnyConv conv, const T* __restrict__ weight,
                                      acc_t<T>* __restrict__ turned) {
  const int64_t taps = conv.taps(), Co = conv.out_channels;
  for (int64_t i : grid_stride(taps * Co)) turned[i] = load(weight[i % Co * taps + i / Co]);
}

// `several` says that an input channel has several output channels: o / several of them.
template <class T, bool several>
__global__ void depthwise_forward_kernel(AnyConv conv, bool relu, const T* __restrict__ x,
                                         const acc_t<T>* __restrict__ turned,
                                         const T* __restrict__ bias, T* __restrict__ y) {
  const AnyWindow w = conv.window;
  const int64_t OH = w.out_h(), OW = w.out_w(), Co = conv.out_channels, each = conv.group_out();
  for (int64_t place : grid_rows(w.places())) {
    const int64_t line = place / OW, n = line / OH, ow = place - line * OW, oh = line - n * OH;
    const Range down = w.rows.inside(oh, w.H), across = w.columns.inside(ow, w.W);
    for_channels(Co, [&]<int lanes>(int64_t o) {
      acc_t<T> sum[lanes];
      for (int l = 0; l < lanes; ++l) sum[l] = bias ? load(bias[o + l]) : acc_t<T>(0);
      for (int64_t kh = down.first; kh < down.last; ++kh) {
        const int64_t row = (n * w.H + w.rows.pixel(oh, kh)) * w.W;
        for (int64_t kw = across.first; kw < across.last; ++kw) {
          const T* __restrict__ pixel = x + (row + w.columns.pixel(ow, kw)) * w.C;
          const acc_t<T>* __restrict__ tap = turned + (kh * w.columns.kernel + kw) * Co + o;
          for (int l = 0; l < lanes; ++l)
            sum[l] += load(pixel[several ? (o + l) / each : o + l]) * tap[l];
        }
      }
      T* __restrict__ out = y + place * Co + o;
      for (int l = 0; l < lanes; ++l) out[l] = store<T>(relu && sum[l] <= 0 ? acc_t<T>(0) : sum[l]);
    });
  }
}

// The gather form: a pixel adds up the windows that cover it.
template <class T, bool several>
__global__ void depthwise_backward_input_kernel(AnyConv conv, bool adds, const T* __restrict__ dz,
                                                const acc_t<T>* __restrict__ turned,
                                                T* __restrict__ dx) {
  const AnyWindow w = conv.window;
  const int64_t OH = w.out_h(), OW = w.out_w(), Co = conv.out_channels;
  const int64_t each = several ? conv.group_out() : 1;
  for (int64_t pixel : grid_rows(w.N * w.H * w.W)) {
    const int64_t line = pixel / w.W, n = line / w.H, v = pixel - line * w.W, h = line - n * w.H;
    const Range rows = w.rows.covering(h, OH), columns = w.columns.covering(v, OW);
    for_channels(w.C, [&]<int lanes>(int64_t c) {
      acc_t<T> sum[lanes];
      for (int l = 0; l < lanes; ++l) sum[l] = 0;
      for (int64_t oh = rows.first; oh < rows.last; ++oh) {
        const int64_t kh = w.rows.tap(oh, h);
        if (kh < 0) continue;
        for (int64_t ow = columns.first; ow < columns.last; ++ow) {
          const int64_t kw = w.columns.tap(ow, v);
          if (kw < 0) continue;
          const T* __restrict__ at = dz + ((n * OH + oh) * OW + ow) * Co + c * each;
          const acc_t<T>* __restrict__ tap = turned + (kh * w.columns.kernel + kw) * Co + c * each;
          for (int l = 0; l < lanes; ++l)
            for (int64_t i = l * each; i < (l + 1) * each; ++i) sum[l] += load(at[i]) * tap[i];
        }
      }
      T* __restrict__ out = dx + pixel * w.C + c;
      for (int l = 0; l < lanes; ++l) out[l] = store<T>(adds ? load(out[l]) + sum[l] : sum[l]);
    });
  }
}

// A row of threads has a tap of a slab: some rows of windows of the batch.
template <class T, bool several>
__global__ void depthwise_weight_kernel(AnyConv conv, int64_t slabs, const T* __restrict__ x,
                                        const T* __restrict__ dz, acc_t<T>* __restrict__ partial) {
  const AnyWindow w = conv.window;
  const int64_t OH = w.out_h(), OW = w.out_w(), Co = conv.out_channels, each = conv.group_out();
  const int64_t taps = conv.taps(), lines = w.N * OH;
  for (int64_t row : grid_rows(slabs * taps)) {
    const int64_t slab = row / taps, tap = row - slab * taps;
    const int64_t kh = tap / w.columns.kernel, kw = tap - kh * w.columns.kernel;
    const Range some = {lines * slab / slabs, lines * (slab + 1) / slabs};
    const Range across = w.columns.seeing(kw, w.W, OW);
    for_channels(Co, [&]<int lanes>(int64_t o) {
      acc_t<T> sum[lanes];
      for (int l = 0; l < lanes; ++l) sum[l] = 0;
      for (int64_t line = some.first; line < some.last; ++line) {
        const int64_t n = line / OH, h = w.rows.pixel(line - n * OH, kh);
        if (h < 0 || h >= w.H) continue;
        for (int64_t ow = across.first; ow < across.last; ++ow) {
          const T* __restrict__ pixel = x + ((n * w.H + h) * w.W + w.columns.pixel(ow, kw)) * w.C;
          const T* __restrict__ at = dz + (line * OW + ow) * Co + o;
          for (int l = 0; l < lanes; ++l)
            sum[l] += load(at[l]) * load(pixel[several ? (o + l) / each : o + l]);
        }
      }
      acc_t<T>* __restrict__ out = partial + row * Co + o;
      for (int l = 0; l < lanes; ++l) out[l] = sum[l];
    });
  }
}

template <class T>
__global__ void depthwise_add_slabs_kernel(AnyConv conv, int64_t slabs, bool adds,
                                           const acc_t<T>* __restrict__ partial,
                                           T* __restrict__ dweight) {
  const int64_t taps = conv.taps(), Co = conv.out_channels;
  for (int64_t i : grid_stride(taps * Co)) {
    acc_t<T> sum = partial[i];
    for (int64_t slab = 1; slab < slabs; ++slab) sum += partial[slab * taps * Co + i];
    T* const out = dweight + i % Co * taps + i / Co;
    *out = store<T>(adds ? load(*out) + sum : sum);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

// A row of threads for each row of channels.
static Config row_each(int64_t rows, int64_t channels, int64_t work) {
  const Dim block = channels >= 32 ? Dim{32, 8} : channels >= 16 ? Dim{16, 16} : Dim{8, 32};
  return {.grid = ceil_div(rows, block.y), .block = block, .work = work};
}

template <class M, class T>
void conv_depthwise_turn(M& here, const AnyConv& c, Span<const T> weight, Span<acc_t<T>> turned) {
  launch(depthwise_turn_kernel<T>, {.grid = ceil_div(turned.size(), 256)}, here, c, weight, turned);
}
template <class M, class T>
void conv_depthwise_forward(M& here, const AnyConv& c, Activation activation, Span<const T> x,
                            Span<const acc_t<T>> turned, Span<const T> bias, Span<T> y) {
  launch(c.group_out() > 1 ? depthwise_forward_kernel<T, true> : depthwise_forward_kernel<T, false>,
         row_each(c.window.places(), c.out_channels, y.size() * c.taps()), here, c,
         activation == Activation::relu, x, turned, bias, y);
}
template <class M, class T>
void conv_depthwise_backward_input(M& here, const AnyConv& c, bool adds, Span<const T> dz,
                                   Span<const acc_t<T>> turned, Span<T> dx) {
  launch(c.group_out() > 1 ? depthwise_backward_input_kernel<T, true>
                           : depthwise_backward_input_kernel<T, false>,
         row_each(dx.size() / c.window.C, c.window.C, dz.size() * c.taps()), here, c, adds, dz,
         turned, dx);
}
template <class M, class T>
void conv_depthwise_backward_weight(M& here, const AnyConv& c, bool adds, Span<const T> x,
                                    Span<const T> dz, Span<T> dweight, Span<acc_t<T>> partial) {
  const int64_t slabs = partial.size() / dweight.size();
  launch(c.group_out() > 1 ? depthwise_weight_kernel<T, true> : depthwise_weight_kernel<T, false>,
         row_each(slabs * c.taps(), c.out_channels, dz.size() * c.taps()), here, c, slabs, x, dz,
         partial);
  launch(depthwise_add_slabs_kernel<T>,
         {.grid = ceil_div(dweight.size(), 256), .work = partial.size()}, here, c, slabs, adds,
         partial, dweight);
}

#define INSTANTIATE(T)                                                                     \
  template void conv_depthwise_turn(Here&, const AnyConv&, Span<const T>, Span<acc_t<T>>); \
  template void conv_depthwise_forward(Here&, const AnyConv&, Activation, Span<const T>,   \
                                       Span<const acc_t<T>>, Span<const T>, Span<T>);      \
  template void conv_depthwise_backward_input(Here&, const AnyConv&, bool, Span<const T>,  \
                                              Span<const acc_t<T>>, Span<T>);              \
  template void conv_depthwise_backward_weight(Here&, const AnyConv&, bool, Span<const T>, \
                                               Span<const T>, Span<T>, Span<acc_t<T>>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
