// Operations that only move elements.
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// The same elements, in the same storage, under another shape of the same size; one size may be
/// -1. (Tensor::reshape() does the same without being recorded.)
/// @throws ShapeError  "[reshape] (2, 3) to (4, 2)"
Tensor reshape(const Tensor& x, const std::vector<int64_t>& sizes);

/// (N, H, W, C) to (N, C * H * W), elements in C, H, W order, so that a linear layer after it has
/// PyTorch's weights. Copies unless H and W are 1. Other numbers of axes are flattened as they are.
Tensor flatten(const Tensor& x);

/// Tensors one after another along an axis (negative: from the end); all other sizes are equal.
/// @throws ShapeError  "[concat] shapes (2, 3) and (2, 4) along axis 0"
Tensor concat(const std::vector<Tensor>& tensors, int axis);

}  // namespace tweed
