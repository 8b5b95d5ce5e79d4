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

struct AttentionOptions {
  /// Query i attends to keys 0 to i alone: the others have no influence on it, nor it on their
  /// gradients, even where one is NaN.
  bool causal = false;
  /// Which keys each query attends to, as uint8 (1: it may, 0: as if the key were not there), or
  /// numbers of q's dtype that are added to the scores, where minus infinity hides a key, too. Up
  /// to four axes that broadcast to (N, heads, L, S): (L, S), (N, 1, L, S), (N, 1, 1, S), ... A
  /// query that may attend to nothing has a result of 0 and no gradient, as in PyTorch since 2.5.
  Tensor mask = {};
  double scale = 0;  ///< of q k^T; 0: 1 / sqrt(D)
};

/// Attention of queries to keys of another number. There may be fewer heads of keys and values:
/// then `heads / key_heads` heads of queries after one another share each.
///
/// @param q     (N, heads, L, D)
/// @param k, v  (N, key_heads, S, D), S >= 1 unless L is 0; key_heads divides heads
/// @return      (N, heads, L, D)
/// @throws ShapeError  "[scaled_dot_product_attention] q is (1, 2, 3, 4), k (1, 2, 3, 5), v ..."
/// Saves also the mask. Gradients flow to a mask of numbers; that takes (N, heads, L, S) elements
/// of memory on the way back, where the rest takes none of that size. Source of shared keys:
/// Ainslie et al. 2023, arXiv:2305.13245
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const AttentionOptions& options);
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    bool causal = false);

}  // namespace tweed
