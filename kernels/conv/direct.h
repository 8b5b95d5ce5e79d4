// Convolution on `cpu` by oneDNN, on float images in NHWC: by its direct algorithms.
#pragma once
#include <string>
#include <vector>

#include "kernels/allocate.h"
#include "kernels/conv/keep_filters.h"
#include "kernels/machine/machine.h"
#include "kernels/window.h"

namespace tweed {

/// y = conv(x, weight) + bias. Reordered filters are kept.
/// @param x       (N, H, W, Ci);   @param weight  (Co, KH, KW, Ci / groups)
/// @param bias    (Co), or empty;  @param y       (N, OH, OW, Co)
void conv_direct_forward(Cpu&, const AnyConv&, Span<const float> x, Span<const float> weight,
                         Span<const float> bias, Span<float> y, const Allocate&,
                         const KeepFilters&);
/// dweight, and dbias if it is not empty.
void conv_direct_backward_weight(Cpu&, const AnyConv&, Span<const float> x, Span<const float> dy,
                                 Span<float> dweight, Span<float> dbias, const Allocate&);
void conv_direct_backward_input(Cpu&, const AnyConv&, Span<const float> dy,
                                Span<const float> weight, Span<float> dx, const Allocate&);

/// The names of oneDNN's implementations of forward, weight and input gradient for a shape. Those
/// that start with "ref" are a thousand times slower than the others.
std::vector<std::string> conv_direct_implementations(const AnyConv&);
/// False if one of them would be reference code, or missing.
bool conv_direct_is_fast(const AnyConv&);
/// False if it has no implementation of one of the passes; it has all of square windows.
bool conv_has_direct(const AnyConv&);

}  // namespace tweed
