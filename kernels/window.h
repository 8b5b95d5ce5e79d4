// A window slid over a batch of images: convolution, pooling, im2col. `Window` and `Conv` are the
// square case, which the fast kernels are written for: fewer numbers to hold in registers.
#pragma once
#include <compare>
#include <cstdint>

#include "kernels/machine/inline.h"

namespace tweed {

/// Indexes [first, last).
struct Range {
  int64_t first, last;
};

/// A window along one axis: `kernel` taps, `dilation` pixels apart, on an axis that is padded by
/// `before` and `after` pixels.
struct WindowAxis {
  int64_t kernel, stride = 1;
  int64_t before = 0, after = 0;
  int64_t dilation = 1;
  bool ceil_mode = false;  ///< a last window may reach beyond the padding, if it begins before it

  /// Pixels from a window's first tap to its last, both counted.
  TWEED_INLINE int64_t span() const { return dilation * (kernel - 1) + 1; }
  TWEED_INLINE bool fits(int64_t size) const { return size + before + after >= span(); }
  /// Windows on an axis of `size` pixels that they fit.
  TWEED_INLINE int64_t out(int64_t size) const {
    const int64_t room = size + before + after - span();
    if (!ceil_mode) return room / stride + 1;
    const int64_t last = (room + stride - 1) / stride;
    return last * stride < size + before ? last + 1 : last;
  }
  /// The pixel under a tap of window `o`; outside the image it may be negative or too large.
  TWEED_INLINE int64_t pixel(int64_t o, int64_t tap) const {
    return o * stride - before + tap * dilation;
  }
  /// The windows, of `count`, whose span covers pixel i. With a dilation some of them have no tap
  /// on it: that is where i - pixel(o, 0) is no multiple of the dilation.
  TWEED_INLINE Range covering(int64_t i, int64_t count) const {
    const int64_t at = i + before, last = at / stride + 1;
    return {at < span() ? 0 : (at - span()) / stride + 1, last < count ? last : count};
  }
  /// The tap that covering window `o` has on pixel i, or -1.
  TWEED_INLINE int64_t tap(int64_t o, int64_t i) const {
    const int64_t at = i - pixel(o, 0);
    if (dilation == 1) return at;
    return at % dilation ? -1 : at / dilation;
  }
  /// The taps of window `o` that lie on one of the `size` pixels.
  TWEED_INLINE Range inside(int64_t o, int64_t size) const {
    const int64_t first = steps(-pixel(o, 0)), beyond = steps(size - pixel(o, 0));
    const int64_t last = beyond < kernel ? beyond : kernel;
    return {first, last < first ? first : last};
  }
  /// The windows, of `count`, whose tap lies on one of the `size` pixels.
  TWEED_INLINE Range seeing(int64_t tap, int64_t size, int64_t count) const {
    const int64_t ahead = before - tap * dilation, end = size + ahead;
    const int64_t first = ahead > 0 ? (ahead + stride - 1) / stride : 0;
    const int64_t last = end > 0 ? (end + stride - 1) / stride : 0;
    const int64_t some = last < count ? last : count;
    return {first, some < first ? first : some};
  }
  /// Taps until one is as many pixels further.
  TWEED_INLINE int64_t steps(int64_t pixels) const {
    if (pixels <= 0 || dilation == 1) return pixels < 0 ? 0 : pixels;
    return (pixels + dilation - 1) / dilation;
  }
  auto operator<=>(const WindowAxis&) const = default;
};

struct AnyWindow;
struct AnyConv;

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
  TWEED_INLINE operator AnyWindow() const;
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
  operator AnyConv() const;
  auto operator<=>(const Conv&) const = default;
};

/// Images (N, H, W, C), and the places of any window on them.
struct AnyWindow {
  int64_t N, H, W, C;
  WindowAxis rows, columns;

  TWEED_INLINE int64_t out_h() const { return rows.out(H); }
  TWEED_INLINE int64_t out_w() const { return columns.out(W); }
  TWEED_INLINE int64_t places() const { return N * out_h() * out_w(); }
  TWEED_INLINE int64_t patch() const { return rows.kernel * columns.kernel * C; }
  /// Whether Window can say it.
  TWEED_INLINE bool is_square() const {
    return rows == columns && rows.before == rows.after && rows.dilation == 1;
  }
  TWEED_INLINE Window square() const {
    return {N, H, W, C, rows.kernel, rows.stride, rows.before, rows.ceil_mode};
  }
  auto operator<=>(const AnyWindow&) const = default;
};

/// A convolution by any window, in `groups`: each has C / groups of the input's channels and
/// out_channels / groups of the output's. C groups of one input channel each are "depthwise".
struct AnyConv {
  AnyWindow window;
  int64_t out_channels, groups = 1;

  TWEED_INLINE int64_t group_in() const { return window.C / groups; }
  TWEED_INLINE int64_t group_out() const { return out_channels / groups; }
  /// Elements of a filter.
  TWEED_INLINE int64_t taps() const { return window.rows.kernel * window.columns.kernel; }
  TWEED_INLINE int64_t filter() const { return taps() * group_in(); }
  TWEED_INLINE bool is_square() const { return groups == 1 && window.is_square(); }
  TWEED_INLINE Conv square() const { return {window.square(), out_channels}; }
  double flops() const {
    return 2 * double(window.places()) * double(window.patch()) * double(out_channels) /
           double(groups);
  }
  auto operator<=>(const AnyConv&) const = default;
};

TWEED_INLINE Window::operator AnyWindow() const {
  const WindowAxis axis{kernel, stride, padding, padding, 1, ceil_mode};
  return {N, H, W, C, axis, axis};
}
inline Conv::operator AnyConv() const { return {window, out_channels}; }

}  // namespace tweed
