// Changes of images that gradients go through: an attack can look for perturbations that survive
// them. flip() is in shape_ops.h: flip(x, 2) mirrors left and right.
#pragma once
#include "autograd/shape_ops.h"

namespace tweed {

/// Images at another size, by bilinear interpolation between the four nearest pixels; pixel centres
/// lie at halves, edges are repeated. PyTorch's interpolate(mode="bilinear", align_corners=False):
/// without antialiasing, so that a strong reduction leaves pixels out.
///
/// @param x  (N, H, W, C)
/// @return   (N, height, width, C)
/// @throws ShapeError  "[resize_bilinear] (1, 8, 8, 3) to 0 x 4"
/// Saves nothing.
Tensor resize_bilinear(const Tensor& x, int64_t height, int64_t width);

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
