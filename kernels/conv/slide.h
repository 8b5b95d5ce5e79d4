// The windows of a convolution as its implicit products see them: forward, and the input gradient,
// which is a convolution of dz.
#pragma once
#include "kernels/window.h"

namespace tweed {

/// A window of height x width pixels slid over images (N, H, W, C). At place (i, j) of rows x
/// columns it begins at pixel (i step_h + top, j step_w + left), which may lie outside. Its results
/// are phases x phases pixels of `channels` in images (N, out_H, out_W, channels): phase (a, b) is
/// pixel (i out_step + out_top + a, j out_step + out_left + b), and dropped where that lies
/// outside. A result is what is written there, or with `adds` what is added to what is there.
struct Slide {
  int64_t N;
  int H, W, C, height, width;
  int rows, columns, step_h, step_w, top, left;
  int out_H, out_W, out_step, out_top, out_left, phases, channels;
  bool adds = false;

  TWEED_INLINE int64_t places() const { return N * rows * columns; }
  TWEED_INLINE int patch() const { return height * width * C; }
  /// Numbers that a place has as results, and filters that it is multiplied with.
  TWEED_INLINE int results() const { return phases * phases * channels; }
};

/// The forward pass.
inline Slide forward_slide(const Conv& c) {
  const Window& w = c.window;
  const int K = int(w.kernel), step = int(w.stride), first = -int(w.padding);
  const int OH = int(w.out_h()), OW = int(w.out_w());
  return {.N = w.N,
          .H = int(w.H),
          .W = int(w.W),
          .C = int(w.C),
          .height = K,
          .width = K,
          .rows = OH,
          .columns = OW,
          .step_h = step,
          .step_w = step,
          .top = first,
          .left = first,
          .out_H = OH,
          .out_W = OW,
          .out_step = 1,
          .out_top = 0,
          .out_left = 0,
          .phases = 1,
          .channels = int(c.out_channels)};
}

/// The filters that the input gradient needs: mirrored, with input and output channels swapped.
///
///   turned[a, b, c, i, j, o] = weight[o, kh, kw, c],   kh = row + a + stride (height - 1 - i)
///                                                      kw = column + b + stride (width - 1 - j)
///
/// for phases a, b; 0 where kh or kw is not below K, and for o beyond Co.
struct Turn {
  int K, stride, row, column, phases, height, width;
  int64_t Ci, Co, padded_Co;
  int64_t size() const { return int64_t(phases) * phases * Ci * height * width * padded_Co; }
};

/// A convolution of dz with turned filters, which gives some or all pixels of dx.
struct InputGradient {
  Turn turn;
  Slide slide;
};

namespace slide_detail {
// Pixel h gets dz[oh] weight[kh] for all oh stride + kh = h + padding. With h + padding = q stride
// + phase these are the taps kh = phase + stride u of window oh = q - u: a window of dz that ends
// at q.
struct Axis {
  int taps, first_window, first_pixel, count;
};
inline Axis axis_of(int K, int stride, int padding, int size, int first_phase, int phases) {
  const int taps = (K - 1 - first_phase + stride) / stride;  // 0 if no tap hits this phase
  const int last_phase = first_phase + phases - 1;
  // The first q of which one of the phases has a pixel: q stride + last_phase >= padding.
  const int q = padding <= last_phase ? 0 : (padding - last_phase + stride - 1) / stride;
  const int pixel = q * stride + first_phase - padding;
  const int count = pixel < size ? (size - 1 - pixel) / stride + 1 : 0;
  return {taps, q - (taps - 1), pixel, count};
}
}  // namespace slide_detail

/// The pixels whose index plus padding leaves `row` and `column` when divided by the stride: one of
/// stride x stride convolutions that together make dx. They multiply exactly what forward does.
/// With phases = stride and row = column = 0 it is all pixels at once: fewer, larger products, but
/// with zeros where K is no multiple of the stride.
inline InputGradient input_gradient_slide(const Conv& c, int row, int column, int phases = 1) {
  const Window& w = c.window;
  const int K = int(w.kernel), stride = int(w.stride), padding = int(w.padding);
  const auto down = slide_detail::axis_of(K, stride, padding, int(w.H), row, phases);
  const auto right = slide_detail::axis_of(K, stride, padding, int(w.W), column, phases);
  return {.turn = {.K = K,
                   .stride = stride,
                   .row = row,
                   .column = column,
                   .phases = phases,
                   .height = down.taps,
                   .width = right.taps,
                   .Ci = w.C,
                   .Co = c.out_channels,
                   .padded_Co = c.out_channels},
          .slide = {.N = w.N,
                    .H = int(w.out_h()),
                    .W = int(w.out_w()),
                    .C = int(c.out_channels),
                    .height = down.taps,
                    .width = right.taps,
                    .rows = down.count,
                    .columns = right.count,
                    .step_h = 1,
                    .step_w = 1,
                    .top = down.first_window,
                    .left = right.first_window,
                    .out_H = int(w.H),
                    .out_W = int(w.W),
                    .out_step = stride,
                    .out_top = down.first_pixel,
                    .out_left = right.first_pixel,
                    .phases = phases,
                    .channels = int(w.C)}};
}

}  // namespace tweed
