// Pooling of images, and of sequences (N, L, C), which are images of height 1.
#pragma once
#include "autograd/graph.h"
#include "autograd/window_options.h"
#include "kernels/activation.h"

namespace tweed {

/// Numbers without an axis are for both: {.stride = 2}, {.stride = {2, 1}, .padding = {0, 1, 1,
/// 1}}.
struct PoolOptions {
  Pair stride = 0;      ///< 0: the kernel's size
  Padding padding = 0;  ///< less than the window on each side, and no more than it on both together
  /// Rounds the result's height and width up: a last window may stick out at the far side, as long
  /// as it begins inside the image or the padding before it.
  bool ceil_mode = false;
  Pair dilation = 1;  ///< how many pixels lie between a window's taps, plus one
  /// With relu, relu(max_pool2d(x)), which is max_pool2d(relu(x)) with all gradients: the largest of
  /// what is positive is what is positive of the largest. One of its own would pass over all of x.
  Activation activation = Activation::none;
};
struct AvgPoolOptions {
  Pair stride = 0;
  Padding padding = 0;
  bool ceil_mode = false;
  /// Whether padding counts, as zeros; what ceil_mode adds beyond the padding never does.
  bool count_include_pad = true;
};

/// The largest value of each window; NaN if there is one. Padding counts as minus infinity.
///
/// @param x          (N, H, W, C)
/// @param kernel     one size, or {height, width}
/// @return           (N, OH, OW, C), OH = (H + top + bottom - dilation (kernel - 1) - 1) / stride
///                   + 1, rounded down
/// @throws ShapeError  "[max_pool2d] a window of 3 does not fit (8, 1, 1, 64) with padding 0"
/// Saves which tap won, a byte each, or 4 where a window has more than 255 taps; of equal ones the
/// first in reading order.
Tensor max_pool2d(const Tensor& x, Pair kernel, const PoolOptions& options = {});

/// The mean of each window. Parameters as for max_pool2d(). Saves nothing.
Tensor avg_pool2d(const Tensor& x, Pair kernel, const AvgPoolOptions& options = {});

/// The mean of out_h x out_w windows, as equal as whole pixels allow: window o of an axis covers
/// [o size / out, (o + 1) size / out), rounded outwards, so that neighbours may overlap.
///
/// @param x  (N, H, W, C)
/// @return   (N, out_h, out_w, C)
/// @throws ShapeError  "[adaptive_avg_pool2d] (1, 4, 4, 3) to 0 x 2"
/// Saves nothing.
Tensor adaptive_avg_pool2d(const Tensor& x, int64_t out_h, int64_t out_w);

/// The largest value of each of the windows that adaptive_avg_pool2d() has. Saves as max_pool2d().
Tensor adaptive_max_pool2d(const Tensor& x, int64_t out_h, int64_t out_w);

/// The mean of each map. @param x (N, H, W, C); @return (N, C)
Tensor global_avg_pool(const Tensor& x);
/// The largest of each map; the first of equals gets the gradient. @param x (N, H, W, C);
/// @return (N, C)
Tensor global_max_pool(const Tensor& x);

// ---- sequences -----------------------------------------------------------------------------

struct Pool1dOptions {
  int64_t stride = 0;   ///< 0: the kernel's size
  int64_t padding = 0;  ///< at most half of the window
  bool ceil_mode = false;
  int64_t dilation = 1;
};
struct AvgPool1dOptions {
  int64_t stride = 0, padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;
};

/// Each as its twin of two axes. (PyTorch has channels first: (N, C, L).)
/// @param x  (N, L, C)
/// @return   (N, OL, C)
/// @throws ShapeError  "[max_pool1d] needs (N, L, C), x is (4, 3)"
Tensor max_pool1d(const Tensor& x, int64_t kernel, const Pool1dOptions& options = {});
Tensor avg_pool1d(const Tensor& x, int64_t kernel, const AvgPool1dOptions& options = {});
Tensor adaptive_avg_pool1d(const Tensor& x, int64_t out);

}  // namespace tweed
