// Batches from images that lie decoded in a device's memory.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// What one row of a plan says: which image, which part of it, and its label.
struct PlannedView {
  int32_t image, top, left, mirrored, label;
};
constexpr int64_t planned_numbers = 5;

/// images[i, y, x, c] = table[c, pixels[image, top + y, left + x, c]], or size - 1 - x where it is
/// mirrored; 0 outside of the stored image. labels[i] = label.
///
/// @param side    height and width of the stored images
/// @param pixels  (all, side, side, 3)
/// @param plan    (count, 5), int32: rows of PlannedView
/// @param table   (3, 256), what a pixel of each channel becomes
/// @param images  (count, size, size, 3)
template <class M, class T>
void augment(M&, int64_t side, int64_t size, Span<const uint8_t> pixels, Span<const int32_t> plan,
             Span<const float> table, Span<T> images, Span<int32_t> labels);

}  // namespace tweed
