// Winograd's convolution on `cpu`, for windows of 3x3 and a stride of 1, in float and double.
// winograd_transform.h has the idea, docs/convolution.md the text.
//
// Images are read and written where they lie. Work is cut by shape and every sum has one order, so
// that results do not depend on the number of threads.
#pragma once
#include "kernels/allocate.h"
#include "kernels/bias.h"
#include "kernels/conv/keep_filters.h"
#include "kernels/machine/machine.h"
#include "kernels/window.h"

namespace tweed {

/// Whether it can: 3x3, stride 1, no groups. The padding may be uneven.
bool conv_has_winograd(const AnyConv&);

/// y = activation(conv(x, weight) + bias). The transformed filters are kept.
/// @param x       (N, H, W, Ci);   @param weight  (Co, 3, 3, Ci)
/// @param bias    (Co), or empty;  @param y       (N, OH, OW, Co)
template <class T>
void conv_winograd_forward(Cpu&, const AnyConv&, Activation, Span<const T> x, Span<const T> weight,
                           Span<const T> bias, Span<T> y, const Allocate&, const KeepFilters&);
template <class T>
void conv_winograd_backward_input(Cpu&, const AnyConv&, Span<const T> dy, Span<const T> weight,
                                  Span<T> dx, const Allocate&);
template <class T>
void conv_winograd_backward_weight(Cpu&, const AnyConv&, Span<const T> x, Span<const T> dy,
                                   Span<T> dweight, const Allocate&);

}  // namespace tweed
