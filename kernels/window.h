// A square window slid over a batch of images: convolution, pooling, im2col.
#pragma once
#include <cstdint>

#include "kernels/machine/inline.h"

namespace tweed {

/// Images (N, H, W, C), and the places of a window of `kernel` x `kernel` pixels on them.
struct Window {
  int64_t N, H, W, C;
  int64_t kernel, stride = 1, padding = 0;

  TWEED_INLINE int64_t out(int64_t size) const { return (size + 2 * padding - kernel) / stride + 1; }
  TWEED_INLINE int64_t out_h() const { return out(H); }
  TWEED_INLINE int64_t out_w() const { return out(W); }
  TWEED_INLINE int64_t places() const { return N * out_h() * out_w(); }
  /// Elements of an im2col row.
  TWEED_INLINE int64_t patch() const { return kernel * kernel * C; }
  bool operator==(const Window&) const = default;
};

}  // namespace tweed
