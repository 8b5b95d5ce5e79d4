// Filters turned round for the input gradient of a convolution.
#pragma once
#include "kernels/conv/slide.h"
#include "kernels/machine/machine.h"

namespace tweed {

/// @param weight  (Co, K, K, Ci);    @param turned  (phases, phases, Ci, height, width, padded_Co)
template <class M, class T>
void turn_filters(M&, const Turn&, Span<const T> weight, Span<T> turned);

}  // namespace tweed
