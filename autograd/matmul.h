// Matrix products and linear layers.
#pragma once
#include <string>
#include <vector>

#include "autograd/graph.h"
#include "kernels/bias.h"

namespace tweed {

/// Which operands of a product are stored transposed. None is copied.
struct MatmulOptions {
  bool transpose_a = false, transpose_b = false;
};

/// The product of two matrices, or of two batches of them, whose leading axes broadcast as in NumPy
/// and PyTorch: aligned at the last of them, where a size of 1 or a missing axis is repeated.
///
///   matmul(q, k, {.transpose_b = true})   attention's scores: (B, H, T, D) and (B, H, T, D)
///
/// A single matrix serves a batch without being copied; an operand of which only some leading axes
/// are repeated is copied to its full size first.
///
/// @param a  (..., M, K), or (..., K, M) with transpose_a; a vector (K) stands for (1, K)
/// @param b  (..., K, N), or (..., N, K) with transpose_b; a vector (K) stands for (K, 1)
/// @return   (..., M, N) without the axis that a vector lacks; dtype and device of a
/// @throws ShapeError  "[matmul] a is (2, 3), b is (4, 5) transposed"
/// Saves a, b.
Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options = {});

/// Einstein's sums: products and sums over axes that are named by letters.
///
///   einsum("bqd,bkd->bqk", {q, k})   attention's scores
///   einsum("nhwc->nc", {x})          sums over h and w
///   einsum("ij->ji", {x})            the transpose
///
/// Letters that the result does not have are summed over. Without "->" the result has those that
/// stand once, in alphabetical order. Two operands become one matmul() at a time, from left to
/// right, with the permutations around it that it needs.
///
/// @param axes  a letter for each axis of each operand. A letter stands once in an operand (no
///              diagonals), and its axes are of one size (nothing broadcasts); no "..."
/// @throws ShapeError  "[einsum] \"ij,jk->ik\": j is 3 in (2, 3) and 4 in (4, 5)"
Tensor einsum(const std::string& axes, const std::vector<Tensor>& operands);

/// A linear layer: y = activation(x weight^T + bias).
///
/// @param x       (..., in_features)
/// @param weight  (out_features, in_features)
/// @param bias    (out_features), or undefined
/// @return        (..., out_features), dtype and device of x
/// @throws ShapeError  "[linear] weight is (10, 512), x is (8, 256)"
/// Saves x, weight, and y if there is an activation.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              Activation activation = Activation::none);

}  // namespace tweed
