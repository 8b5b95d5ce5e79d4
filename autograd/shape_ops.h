// Operations that only move elements, of any dtype but in gather_rows() and borders of what is
// inside. All but reshape() copy.
#pragma once
#include <utility>

#include "autograd/graph.h"
#include "kernels/pad.h"

namespace tweed {

/// The same elements, in the same storage, under another shape of the same size; one size may be
/// -1. (Tensor::reshape() does the same without being recorded.)
/// @throws ShapeError  "[reshape] (2, 3) to (4, 2)"
Tensor reshape(const Tensor& x, const std::vector<int64_t>& sizes);

/// (N, H, W, C) to (N, C * H * W), elements in C, H, W order, so that a linear layer after it has
/// PyTorch's weights. Copies unless H and W are 1. Other numbers of axes are flattened as they are.
Tensor flatten(const Tensor& x);

/// The axes in another order: axis k of the result is axis axes[k] of x (negative: from the end).
///
///   permute(x, {0, 2, 1, 3})   (B, T, heads, D) to (B, heads, T, D)
///
/// @throws ShapeError  "[permute] axes {0, 2, 2} of (2, 3, 4)"
Tensor permute(const Tensor& x, const std::vector<int>& axes);

/// Elements [first, last) along an axis (negative: from the end); first and last count from 0.
/// (Tensor::slice() shares storage, along the first axis only, and is not recorded.)
/// @throws ShapeError  "[slice] 2 to 5 along axis 1 of (2, 4)"
Tensor slice(const Tensor& x, int axis, int64_t first, int64_t last);

/// Parts of the given sizes along an axis, one after another: the opposite of concat(). A slice()
/// each.
/// @throws ShapeError  "[split] sizes {2, 3} along axis 1 of (2, 4)"
std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int axis);

/// {before, after} for each axis.
using PadAmounts = std::vector<std::pair<int64_t, int64_t>>;

/// Elements of `value` before and after each axis.
///
///   pad(x, {{0, 0}, {1, 1}, {1, 1}, {0, 0}})   images with a border of a pixel
///
/// @param amounts  {before, after} for each axis of x
/// @throws ShapeError  "[pad] amounts {{0, 0}, {1, -1}} for (2, 3)"
Tensor pad(const Tensor& x, const PadAmounts& amounts, double value = 0);

/// The same with a border of what is inside (or, for PadMode::constant, of 0).
///
///   PadMode::reflect     3 2 | 1 2 3 4 | 3 2    at most the size - 1 on a side
///   PadMode::replicate   1 1 | 1 2 3 4 | 4 4
///   PadMode::circular    3 4 | 1 2 3 4 | 1 2    at most the size
///
/// The gradient of an element is the sum over all places that show it, in their order.
/// @throws ShapeError  "[pad] amounts {{0, 0}, {3, 0}} for (2, 3): reflect takes at most 2 along
/// axis
///                     1"
Tensor pad(const Tensor& x, const PadAmounts& amounts, PadMode mode);

/// Tensors one after another along an axis (negative: from the end); all other sizes are equal.
/// @throws ShapeError  "[concat] shapes (2, 3) and (2, 4) along axis 0"
Tensor concat(const std::vector<Tensor>& tensors, int axis);

/// The elements along an axis in the opposite order. In images, axis 2 is left and right.
/// @throws ShapeError  "[flip] axis 2 of (2, 3)"
Tensor flip(const Tensor& x, int axis);

/// y[m] = x[indexes[m]]. The gradient of a row adds up those of its copies, in their order: the
/// same bits on every run.
///
/// @param x        (R, ...)
/// @param indexes  int32 (M), 0 to R - 1
/// @return         (M, ...)
/// @throws ShapeError  "[gather_rows] index 7 at 2 is out of range for 5 rows", but on a GPU, which
///                     would have to be waited for: there such a row is NaN
/// Saves indexes.
Tensor gather_rows(const Tensor& x, const Tensor& indexes);

}  // namespace tweed
