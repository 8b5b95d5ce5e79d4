// Pooling of images.
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// The largest value of each window; NaN if there is one. Padding counts as minus infinity.
///
/// @param x        (N, H, W, C)
/// @param kernel   1 to 15
/// @param stride   0 means kernel
/// @param padding  at most kernel / 2
/// @return         (N, OH, OW, C), OH = (H + 2 padding - kernel) / stride + 1, rounded down
/// @throws ShapeError  "[max_pool2d] a window of 3 does not fit (8, 1, 1, 64)"
/// Saves which pixel won, a byte each; of equal ones the first in reading order.
Tensor max_pool2d(const Tensor& x, int64_t kernel, int64_t stride = 0, int64_t padding = 0);

/// The mean of each window. Padding counts as zeros that are part of the mean, as in PyTorch's
/// count_include_pad. Parameters as for max_pool2d(), with any kernel. Saves nothing.
Tensor avg_pool2d(const Tensor& x, int64_t kernel, int64_t stride = 0, int64_t padding = 0);

/// The mean of each map. @param x (N, H, W, C); @return (N, C)
Tensor global_avg_pool(const Tensor& x);

}  // namespace tweed
