// Convolution in as many groups as there are input channels, "depthwise": each output channel sees
// a single input channel. A pixel is a row of channels, and a tap multiplies it by a row of
// weights, so that threads, or the lanes of a vector, have neighbouring channels.
#pragma once
#include "kernels/bias.h"
#include "kernels/machine/machine.h"
#include "kernels/window.h"

namespace tweed {

// All weights are wanted as rows: `turned` (KH KW, Co), in the accumulator's type.

/// @param weight  (Co, KH, KW, 1)
template <class M, class T>
void conv_depthwise_turn(M&, const AnyConv&, Span<const T> weight, Span<acc_t<T>> turned);
/// y = activation(conv(x, weight) + bias).
/// @param x     (N, H, W, Ci);   @param y  (N, OH, OW, Co)
/// @param bias  (Co), or empty
template <class M, class T>
void conv_depthwise_forward(M&, const AnyConv&, Activation, Span<const T> x,
                            Span<const acc_t<T>> turned, Span<const T> bias, Span<T> y);
/// dx (N, H, W, Ci) from dz (N, OH, OW, Co). Both gradients can be added to what is there: `adds`.
template <class M, class T>
void conv_depthwise_backward_input(M&, const AnyConv&, bool adds, Span<const T> dz,
                                   Span<const acc_t<T>> turned, Span<T> dx);

/// dweight (Co, KH, KW, 1). The rows of windows are cut into slabs, whose sums are added in order.
/// @param partial  (slabs, KH KW, Co): its size says how many
template <class M, class T>
void conv_depthwise_backward_weight(M&, const AnyConv&, bool adds, Span<const T> x,
                                    Span<const T> dz, Span<T> dweight, Span<acc_t<T>> partial);

}  // namespace tweed
