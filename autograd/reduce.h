// Sums, products, means, extremes, variances and norms over axes; and the opposite of a sum.
//
// Negative axes count from the end; `keep_axes` leaves axes of size 1 in their place instead of
// none. A ShapeError names an axis that x does not have, or one given twice.
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// The sum of all elements, shape (). Deterministic: the same bits for any number of threads.
Tensor sum(const Tensor& x);
/// The sum over some axes.
Tensor sum(const Tensor& x, const std::vector<int>& axes, bool keep_axes = false);

/// sum() divided by the number of elements summed; NaN if there are none.
Tensor mean(const Tensor& x);
Tensor mean(const Tensor& x, const std::vector<int>& axes, bool keep_axes = false);

/// The product; 1 if there are no elements. A thread walks along a line by itself: slow on a GPU
/// for few long lines. The gradient of an element is dy times the product of the others, right for
/// zeros too. Saves x.
Tensor prod(const Tensor& x);
Tensor prod(const Tensor& x, const std::vector<int>& axes, bool keep_axes = false);

struct CumsumOptions {
  bool exclusive = false;  ///< an element is not part of its own sum
  bool reverse = false;    ///< the sums begin at the axis' end
};
/// The sums of the elements up to each one along an axis, one after another: the same bits
/// everywhere, and slow on a GPU for few long lines. Saves nothing.
/// @throws ShapeError  "[cumsum] axis 2 of (2, 3)"
Tensor cumsum(const Tensor& x, int axis, const CumsumOptions& options = {});

/// The largest and the smallest element; NaN if one is. Equal ones share the gradient evenly, as in
/// torch.amax. Save x and the result.
/// @throws ShapeError  "[max] no elements over the axes of (0, 3)"
Tensor max(const Tensor& x);
Tensor max(const Tensor& x, const std::vector<int>& axes, bool keep_axes = false);
Tensor min(const Tensor& x);
Tensor min(const Tensor& x, const std::vector<int>& axes, bool keep_axes = false);

/// The variance, sum of (x - mean)^2 / (n - correction) over the n elements of the axes. The mean
/// is taken off first, so that large means cost no digits. Saves x and the means.
/// @param correction  1 for the unbiased estimate from a sample, 0 for the mean square; a divisor
///                    that is not positive counts as 0
Tensor var(const Tensor& x, const std::vector<int>& axes, bool keep_axes = false,
           int64_t correction = 1);

/// The sum of absolute values.
Tensor norm_l1(const Tensor& x);
Tensor norm_l1(const Tensor& x, const std::vector<int>& axes, bool keep_axes = false);
/// The square root of the sum of squares, which neither overflow nor vanish on the way. The
/// gradient where it is 0 is 0. Saves x and the result.
Tensor norm_l2(const Tensor& x);
Tensor norm_l2(const Tensor& x, const std::vector<int>& axes, bool keep_axes = false);
/// The largest absolute value, as max() of abs().
Tensor norm_linf(const Tensor& x);
Tensor norm_linf(const Tensor& x, const std::vector<int>& axes, bool keep_axes = false);

/// x repeated along its axes of size 1, and along new axes in front, to `shape`.
/// @throws ShapeError  "[expand] (2, 3) to (4, 3)"
Tensor expand(const Tensor& x, const Shape& shape);

/// The opposite of expand(): the sum over all axes along which `shape` would be repeated to give
/// x's. Not recorded; for backward functions of operations that broadcast.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace tweed
