// Where the largest and smallest elements stand, on every device.
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// Which of several equal extremes is meant.
enum class Ties : uint8_t { first, last };

/// The place of the largest element along an axis; NaN counts as largest. Not differentiable, so
/// nothing is recorded. The last of equals is found in a reversed copy.
///
/// @param axis  of at least one element; negative axes count from the end
/// @return      int32, x's shape without the axis, or with size 1 in its place
/// @throws ShapeError  "[argmax] axis 2 of (2, 3)"
Tensor argmax(const Tensor& x, int axis = -1, bool keep_axis = false, Ties ties = Ties::first);
/// The same of the smallest element; NaN counts as smallest.
Tensor argmin(const Tensor& x, int axis = -1, bool keep_axis = false, Ties ties = Ties::first);

struct TopK {
  Tensor values;   ///< (..., k), differentiable
  Tensor indexes;  ///< (..., k), int32
};
/// The k largest elements of each row of the last axis, largest first; of equals the earlier first,
/// and NaN before all. Saves the indexes. Passes k times over x.
///
/// @param x  (..., C), C >= k >= 1
/// @throws ShapeError  "[top_k] 5 of (2, 3)"
TopK top_k(const Tensor& x, int64_t k);

}  // namespace tweed
