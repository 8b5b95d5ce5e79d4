// Convolution on `cpu` by a register tile of our own (register_tile.h), in float and double: an
// implicit matrix product over windows (windows.h), in one group of channels. docs/convolution.md
// explains it.
//
// Work is cut by shape and every sum has one order, so that results do not depend on the number of
// threads.
#pragma once
#include "kernels/allocate.h"
#include "kernels/bias.h"
#include "kernels/machine/machine.h"
#include "kernels/window.h"

namespace tweed {

/// y = activation(conv(x, weight) + bias).
/// @param x       (N, H, W, Ci);   @param weight  (Co, KH, KW, Ci)
/// @param bias    (Co), or empty;  @param y       (N, OH, OW, Co)
template <class T>
void conv_tiled_forward(Cpu&, const AnyConv&, Activation, Span<const T> x, Span<const T> weight,
                        Span<const T> bias, Span<T> y, const Allocate&);
template <class T>
void conv_tiled_backward_input(Cpu&, const AnyConv&, Span<const T> dy, Span<const T> weight,
                               Span<T> dx, const Allocate&);
/// dweight is summed over slabs of windows, whose sums are added in order.
template <class T>
void conv_tiled_backward_weight(Cpu&, const AnyConv&, Span<const T> x, Span<const T> dy,
                                Span<T> dweight, const Allocate&);

}  // namespace tweed
