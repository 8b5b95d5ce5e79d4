// Changes of images that gradients go through: an attack can look for perturbations that survive
// them. flip() is in shape_ops.h: flip(x, 2) mirrors left and right.
#pragma once
#include "autograd/shape_ops.h"

namespace tweed {

/// How large a pixel of the result is, in two ways: 0 is the quotient of the sizes. A factor makes
/// it 1 / factor pixels, as PyTorch's interpolate(scale_factor=...) does, whose sizes are rounded
/// down.
struct ResizeFactor {
  double h = 0, w = 0;
};
struct ResizeOptions {
  /// The first and last pixels of both images lie on each other, instead of their outer edges.
  bool align_corners = false;
  /// Where the result is smaller, each of its pixels is of all that it covers.
  bool antialias = false;
  ResizeFactor factor = {};  ///< has no use with align_corners
};
struct NearestOptions {
  bool exact = false;  ///< PyTorch's "nearest-exact": the pixel whose centre is nearest
  ResizeFactor factor = {};
};

/// Images at another size, by bilinear interpolation between the four nearest pixels; pixel centres
/// lie at halves, edges are repeated. PyTorch's interpolate(mode="bilinear"): without antialiasing,
/// unless asked for, so that a strong reduction leaves pixels out.
///
/// @param x  (N, H, W, C)
/// @return   (N, height, width, C)
/// @throws ShapeError  "[resize_bilinear] (1, 8, 8, 3) to 0 x 4"
/// Saves nothing; with options, the weights of both axes.
Tensor resize_bilinear(const Tensor& x, int64_t height, int64_t width,
                       const ResizeOptions& options = {});

/// The same by Keys' cubic, of sixteen pixels: PyTorch's interpolate(mode="bicubic"), with a =
/// -0.75, or -0.5 with antialiasing. The result may go beyond the largest and smallest value of x.
/// Saves the weights of both axes. Source: Keys 1981, doi:10.1109/TASSP.1981.1163711
Tensor resize_bicubic(const Tensor& x, int64_t height, int64_t width,
                      const ResizeOptions& options = {});

/// Images at another size, each pixel a copy: that at (row H / height, column W / width), rounded
/// down. PyTorch's interpolate(mode="nearest"). Saves which pixels.
Tensor resize_nearest(const Tensor& x, int64_t height, int64_t width,
                      const NearestOptions& options = {});

/// The part of images that begins at (top, left).
///
/// @param x  (N, H, W, C)
/// @return   (N, height, width, C)
/// @throws ShapeError  "[crop] 4 x 4 at (6, 0) of (1, 8, 8, 3)"
Tensor crop(const Tensor& x, int64_t top, int64_t left, int64_t height, int64_t width);

/// Images turned counter-clockwise about their centre, by bilinear interpolation, black (0) where
/// nothing is. torchvision's rotate() with interpolation=BILINEAR.
///
/// @param x  (N, H, W, C)
/// @return   x's shape
/// Saves nothing.
Tensor rotate(const Tensor& x, double degrees);

/// The brightness of images, in three equal channels.
///
///   y = 0.299 red + 0.587 green + 0.114 blue
///
/// @param x  (N, H, W, 3)
/// @return   (N, H, W, 3)
/// Source: ITU-R BT.601. (torchvision has 0.2989 for red, which makes white darker by 1e-4.)
Tensor grey(const Tensor& x);

}  // namespace tweed
