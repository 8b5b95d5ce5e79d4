// Sums and means over axes, and their opposite.
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// The sum of all elements, shape (). Deterministic: the same bits for any number of threads.
Tensor sum(const Tensor& x);
/// The sum over some axes; negative axes count from the end.
///
/// @param keep_axes  leaves axes of size 1 in their place instead of none
/// @throws ShapeError  for an axis that x does not have, or one given twice
Tensor sum(const Tensor& x, const std::vector<int>& axes, bool keep_axes = false);

/// sum() divided by the number of elements summed; NaN if there are none.
Tensor mean(const Tensor& x);
Tensor mean(const Tensor& x, const std::vector<int>& axes, bool keep_axes = false);

/// x repeated along its axes of size 1, and along new axes in front, to `shape`.
/// @throws ShapeError  "[expand] (2, 3) to (4, 3)"
Tensor expand(const Tensor& x, const Shape& shape);

/// The opposite of expand(): the sum over all axes along which `shape` would be repeated to give
/// x's. Not recorded; for backward functions of operations that broadcast.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace tweed
