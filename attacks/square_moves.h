// What the Square attack changes: how it begins, and what it tries next.
#pragma once
#include "attacks/pixel_view.h"

namespace tweed {

/// How each image begins, (N, H, W, 3): in Linf vertical stripes of +-eps in each colour; in L2 a
/// grid of tiles, five along the shorter side, of size eps in all.
Tensor square_start(const PixelView& view, Draws& draws);

/// What is tried next. In Linf 2 eps are added or taken in one square, in each colour. In L2 the
/// change in one window moves to another, where it is added to what is there along a pyramid of one
/// sign beside one of the other, with as much of eps as nothing uses. All images have the same
/// windows.
/// @param pixels  (N, H, W, 3), the best so far;  @param share  of the pixels that a square covers
Tensor square_tried(const PixelView& view, const Tensor& pixels, double share, Random& random,
                    Draws& draws);

}  // namespace tweed
