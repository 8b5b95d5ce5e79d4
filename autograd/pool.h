// Pooling of images.
#pragma once
#include "autograd/graph.h"

namespace tweed {

struct PoolOptions {
  int64_t stride = 0;   ///< 0: the kernel's size
  int64_t padding = 0;  ///< at most kernel / 2
  /// Rounds the result's height and width up: a last window may stick out at the far side, as long
  /// as it begins inside the image or the padding before it.
  bool ceil_mode = false;
};
struct AvgPoolOptions {
  int64_t stride = 0, padding = 0;
  bool ceil_mode = false;
  /// Whether padding counts, as zeros; what ceil_mode adds beyond the padding never does.
  bool count_include_pad = true;
};

/// The largest value of each window; NaN if there is one. Padding counts as minus infinity.
///
/// @param x          (N, H, W, C)
/// @param kernel     1 to 15
/// @return           (N, OH, OW, C), OH = (H + 2 padding - kernel) / stride + 1, rounded down
/// @throws ShapeError  "[max_pool2d] a window of 3 does not fit (8, 1, 1, 64) with padding 0"
/// Saves which pixel won, a byte each; of equal ones the first in reading order.
Tensor max_pool2d(const Tensor& x, int64_t kernel, const PoolOptions& options = {});

/// The mean of each window. Parameters as for max_pool2d(), with any kernel. Saves nothing.
Tensor avg_pool2d(const Tensor& x, int64_t kernel, const AvgPoolOptions& options = {});

/// The mean of out_h x out_w windows, as equal as whole pixels allow: window o of an axis covers
/// [o size / out, (o + 1) size / out), rounded outwards, so that neighbours may overlap.
///
/// @param x  (N, H, W, C)
/// @return   (N, out_h, out_w, C)
/// @throws ShapeError  "[adaptive_avg_pool2d] (1, 4, 4, 3) to 0 x 2"
/// Saves nothing.
Tensor adaptive_avg_pool2d(const Tensor& x, int64_t out_h, int64_t out_w);

/// The mean of each map. @param x (N, H, W, C); @return (N, C)
Tensor global_avg_pool(const Tensor& x);

}  // namespace tweed
