// Elements picked and placed by index along an axis. gather_rows() of shape_ops.h picks whole rows.
//
// Indexes are int32 and count from 0. Those out of range are errors, but on a GPU, which would have
// to be waited for: there what is picked is NaN, and what is placed goes nowhere. Gradients add up
// in the order of the indexes, without atomics: the same bits on every run. A line along the axis
// is walked by one thread.
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// y[..., m, ...] = x[..., index[..., m, ...], ...], as torch.gather: each element has an index of
/// its own.
///
///   gather(logits, labels.reshape({n, 1}), 1)   each row's logit of its label, (n, 1)
///
/// @param x      as many axes as index
/// @param index  int32; along all axes but `axis` (negative: from the end) at most as long as x
/// @return       index's shape
/// @throws ShapeError  "[gather] index 7 at 2 is out of range for 5 elements along axis 1";
/// "[gather]
///                     index is (3, 2), x (2, 5), along axis 1"
/// Saves index.
Tensor gather(const Tensor& x, const Tensor& index, int axis);

/// x with its elements at the indexes replaced by those of `values`, as torch.scatter. Of several
/// with the same place the last stays, and has the gradient.
///
/// @param x              (..., R, ...)
/// @param index, values  (..., M, ...): equal shapes, x's but along `axis`
/// @return               x's shape
/// @throws ShapeError    as gather()
/// Saves which element stands where.
Tensor scatter(const Tensor& x, const Tensor& index, const Tensor& values, int axis);
/// x with the values added at the indexes, as torch.scatter_add; several with the same place add
/// up. Parameters as for scatter(). Saves index.
Tensor scatter_add(const Tensor& x, const Tensor& index, const Tensor& values, int axis);

/// The slices of x along an axis that the indexes name, as torch.index_select: gather_rows() of any
/// axis, for others than the first by turning x there and back.
///
/// @param indexes  int32 (M)
/// @return         x's shape, M long along `axis`
/// @throws ShapeError  "[index_select] axis 2 of (2, 3)", and as gather_rows()
Tensor index_select(const Tensor& x, const Tensor& indexes, int axis);

/// A row for each label, 1 at its place and 0 elsewhere; zeros alone for a label out of range, also
/// where that could be told. Not recorded.
///
/// @param labels  int32, any shape
/// @return        labels' shape and an axis of `classes` behind it
/// @throws ShapeError  "[one_hot] labels are float32, not int32"
Tensor one_hot(const Tensor& labels, int64_t classes, DType dtype = DType::float32);

}  // namespace tweed
