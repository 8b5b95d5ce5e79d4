// How a function of windows is told kernel, stride, dilation and padding: as one number or as
// several.
#pragma once
#include <cstdint>
#include <string>

#include "tensor/shape.h"

namespace tweed {

/// A number for rows and one for columns: 3 is {3, 3}, and {1, 7} is one row by seven columns.
struct Pair {
  int64_t h, w;
  constexpr Pair(int64_t both) : h(both), w(both) {}
  constexpr Pair(int64_t rows, int64_t columns) : h(rows), w(columns) {}
  bool operator==(const Pair&) const = default;
  /// "3", or "1 x 7".
  std::string str() const;
};

/// Pixels of zeros on each side of an image: 1 is one on all sides, {1, 2} one at the top and the
/// bottom and two on the left and the right, {0, 0, 1, 1} one at the bottom and one on the right.
/// (PyTorch's F.pad names left and right first, then top and bottom.)
struct Padding {
  int64_t top, left, bottom, right;
  constexpr Padding(int64_t all) : Padding(all, all) {}
  constexpr Padding(int64_t rows, int64_t columns) : Padding(rows, columns, rows, columns) {}
  constexpr Padding(Pair each) : Padding(each.h, each.w) {}
  constexpr Padding(int64_t top, int64_t left, int64_t bottom, int64_t right)
      : top(top), left(left), bottom(bottom), right(right) {}
  bool operator==(const Padding&) const = default;
  /// "1", "1 x 2", or "0, 0, 1, 1".
  std::string str() const;
};

struct AnyWindow;
/// A window on images (N, H, W, C). A padding that no window comes to is left out, and so is the
/// dilation of a single tap: what is the same convolution is the same window.
/// @throws ShapeError  "[conv2d] a kernel of 3 x 5 on (1, 2, 2, 8) with padding 0"
AnyWindow make_window(const char* op, const Shape& image, Pair kernel, Pair stride,
                      const Padding& padding, Pair dilation);

}  // namespace tweed
