// Convolution as its definition says it: a thread for each number of the result. Any window, in
// groups.
#pragma once
#include "kernels/bias.h"
#include "kernels/machine/machine.h"
#include "kernels/window.h"

namespace tweed {

// All of them give the same bits for any number of blocks; 0 leaves that to the launcher.

/// y = activation(conv(x, weight) + bias).
/// @param x     (N, H, W, Ci);    @param weight  (Co, KH, KW, Ci / groups)
/// @param bias  (Co), or empty;   @param y       (N, OH, OW, Co)
template <class M, class T>
void conv_naive_forward(M&, const AnyConv&, Activation, Span<const T> x, Span<const T> weight,
                        Span<const T> bias, Span<T> y, int64_t blocks = 0);
/// dx (N, H, W, Ci) from dz (N, OH, OW, Co), the gradient before bias and activation. Both
/// gradients can be added to what is there: `adds`.
template <class M, class T>
void conv_naive_backward_input(M&, const AnyConv&, bool adds, Span<const T> dz,
                               Span<const T> weight, Span<T> dx, int64_t blocks = 0);
/// dweight (Co, KH, KW, Ci / groups).
template <class M, class T>
void conv_naive_backward_weight(M&, const AnyConv&, bool adds, Span<const T> x, Span<const T> dz,
                                Span<T> dweight, int64_t blocks = 0);

}  // namespace tweed
