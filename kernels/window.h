// A square window slid over a batch of images: convolution, pooling, im2col.
#pragma once
#include <compare>
#include <cstdint>

#include "kernels/machine/inline.h"

namespace tweed {

/// Indexes [first, last).
struct Range {
  int64_t first, last;
};

/// Images (N, H, W, C), and the places of a window of `kernel` x `kernel` pixels on them.
struct Window {
  int64_t N, H, W, C;
  int64_t kernel, stride = 1, padding = 0;
  bool ceil_mode = false;  ///< a last window may reach beyond the padding, if it begins before it

  TWEED_INLINE int64_t out(int64_t size) const {
    const int64_t room = size + 2 * padding - kernel;
    if (!ceil_mode) return room / stride + 1;
    const int64_t last = (room + stride - 1) / stride;
    return last * stride < size + padding ? last + 1 : last;
  }
  TWEED_INLINE int64_t out_h() const { return out(H); }
  TWEED_INLINE int64_t out_w() const { return out(W); }
  TWEED_INLINE int64_t places() const { return N * out_h() * out_w(); }
  /// The windows, of `count`, that cover a pixel: o * stride - padding <= i < that + kernel.
  TWEED_INLINE Range covering(int64_t i, int64_t count) const {
    const int64_t at = i + padding, last = at / stride + 1;
    return {at < kernel ? 0 : (at - kernel) / stride + 1, last < count ? last : count};
  }
  /// Elements of an im2col row.
  TWEED_INLINE int64_t patch() const { return kernel * kernel * C; }
  auto operator<=>(const Window&) const = default;
};

/// A convolution: a window with C input channels, and the number of output channels.
struct Conv {
  Window window;
  int64_t out_channels;

  /// Multiplications and additions of a pass.
  double flops() const {
    return 2 * double(window.places()) * double(window.patch()) * double(out_channels);
  }
  auto operator<=>(const Conv&) const = default;
};

}  // namespace tweed
