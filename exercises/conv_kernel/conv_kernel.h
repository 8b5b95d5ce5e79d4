#pragma once
#include "kernels/machine/machine.h"

namespace tweed::exercise {

/// Images of `height` x `width` pixels, 8 channels in and 32 out.
struct ConvShape {
  int images, height, width;
};
constexpr int conv_in = 8, conv_out = 32;

/// A convolution of 3x3 with padding 1. A block of 32 x 8 threads for each tile of 8 x 8 pixels of
/// each image.
/// @param x  (images, height, width, 8)
/// @param w  (32, 3, 3, 8)
/// @param y  (images, height, width, 32)
template <class M>
void conv_kernel(M& here, const ConvShape& shape, Span<const float> x, Span<const float> w,
                 Span<float> y);

}  // namespace tweed::exercise
