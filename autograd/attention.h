// Scaled dot-product attention in one pass, without the matrix of scores.
//
//   y = softmax(q k^T / sqrt(D)) v      for each sample and head
//
// Saved are the inputs, the result, and a number for each query and head: the logarithm of its
// softmax's denominator, from which the backward pass computes the scores again. D is at most 128.
// Source: Vaswani et al. 2017, arXiv:1706.03762; Dao et al. 2022, arXiv:2205.14135
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// Attention on one packed projection, as it leaves the `qkv` layer of a vision transformer.
///
/// @param qkv    (N, L, 3 C), seen as (N, L, 3, heads, C / heads): queries, then keys, then values
/// @param heads  divides C
/// @return       (N, L, C)
/// @throws ShapeError  "[attention] qkv is (2, 64, 576), which 5 heads do not divide"
Tensor attention(const Tensor& qkv, int64_t heads);

/// The same within each window of an image of tokens. Windows are cut from the upper left; where
/// `window` does not divide H or W, those at the lower and right border are smaller, and nothing is
/// padded: no token attends to one that is not there.
///
/// @param qkv     (N, H, W, 3 C)
/// @param window  height and width, >= 1
/// @return        (N, H, W, C)
Tensor window_attention(const Tensor& qkv, int64_t heads, int64_t window);

/// Attention of queries to keys of another number.
///
/// @param q       (N, heads, L, D)
/// @param k, v    (N, heads, S, D), S >= 1 unless L is 0
/// @param causal  query i attends to keys 0 to i alone: the others have no influence on it, nor it
///                on their gradients, even where one is NaN
/// @return        (N, heads, L, D)
/// @throws ShapeError  "[scaled_dot_product_attention] q is (1, 2, 3, 4), k (1, 2, 3, 5), v ..."
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    bool causal = false);

}  // namespace tweed
