// Matrix products and linear layers.
#pragma once
#include "autograd/graph.h"
#include "kernels/bias.h"

namespace tweed {

/// Which operands of a product are stored transposed. None is copied.
struct MatmulOptions {
  bool transpose_a = false, transpose_b = false;
};

/// The product of two matrices, of two batches of them, or of a batch with one matrix.
///
///   matmul(q, k, {.transpose_b = true})   attention's scores: (B, H, T, D) and (B, H, T, D)
///
/// @param a  (..., M, K), or (..., K, M) with transpose_a
/// @param b  (K, N), or (..., K, N) with a's leading axes; N before K with transpose_b
/// @return   (..., M, N), dtype and device of a
/// @throws ShapeError  "[matmul] a is (2, 3), b is (4, 5) transposed"
/// Saves a, b.
Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options = {});

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
