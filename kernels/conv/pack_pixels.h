// Images whose pixels fill whole chunks of 16 bytes, as the tensor-core kernels want them.
#pragma once
#include "kernels/machine/inline.h"
#include "kernels/machine/machine.h"

namespace tweed {

/// Pixels padded with zeros to `channels`, and `pixels` neighbours in a row, one or two, taken for
/// one, after `border` columns of zeros: images (N, H, W, C) become (N, H, columns(W), pixels *
/// channels).
struct Packing {
  int64_t pixels = 1, channels = 0, border = 0;
  TWEED_INLINE int64_t columns(int64_t W) const { return ceil_div(W + border, pixels); }
  TWEED_INLINE int64_t depth() const { return pixels * channels; }
  bool operator==(const Packing&) const = default;
};
/// Images as they are.
inline Packing plain_pixels(int64_t C) { return {.channels = C}; }
/// The least that fills chunks: `chunk` is the numbers in 16 bytes.
inline Packing pack_channels(int64_t C, int64_t chunk) {
  return {.channels = ceil_div(C, chunk) * chunk};
}

/// @param images  (N, H, W, C)
/// @param packed  (N, H, columns(W), depth()), which has fewer than 2^31 chunks; two pixels
///                fill one
template <class M, class T>
void pack_pixels(M&, const Packing&, int64_t W, int64_t C, Span<const T> images, Span<T> packed);

}  // namespace tweed
