// Scaled dot-product attention that never stores the matrix of scores.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// Where the elements of a tensor of heads lie: element d of a head of a token of a sample is at
/// n * sample + token * this->token + head * this->head + d.
struct HeadStrides {
  int64_t sample, token, head;
};

/// Tokens in a raster of H by W, cut into windows from the upper left; those at the lower and right
/// border may be smaller. One window is the whole raster where there is nothing to cut.
struct TokenGrid {
  int64_t H, W, window_h, window_w;

  constexpr int64_t tokens() const { return H * W; }
  constexpr int64_t windows() const { return ceil_div(H, window_h) * ceil_div(W, window_w); }
  constexpr int64_t longest() const { return window_h * window_w; }
};

/// Where the elements of a mask lie: at n * sample + head * this->head + query * this->query + key
/// * this->key; 0 along what it is repeated over.
struct MaskStrides {
  int64_t sample, head, query, key;
};

/// Each query of a window attends to the keys of the window of the same number; causal: to those
/// that are not later than itself.
struct AttentionShape {
  int64_t N, heads, D;
  TokenGrid queries, keys;
  HeadStrides q, k, v, y;
  bool causal = false;
  double scale = 1;   ///< of the scores
  int64_t group = 1;  ///< heads of queries that share a head of keys and values
  /// Whether there is a mask, which is for tokens in one window alone. What it hides, or makes
  /// minus infinity, has no part in anything; a query that sees nothing has a result of 0.
  bool masked = false;
  MaskStrides mask = {};

  constexpr int64_t key_heads() const { return heads / group; }
  constexpr int64_t rows() const { return N * heads * queries.tokens(); }
  /// Of the two products of the forward pass; hidden pairs do not count.
  constexpr double flops() const {
    return 4 * double(rows()) * double(keys.longest()) * double(D) / (causal ? 2 : 1);
  }
  /// Of the five of the backward pass.
  constexpr double backward_flops() const { return 2.5 * flops(); }
};

/// Which pairs count, 0 where they do not, and numbers that are added to their scores.
template <class T>
struct AttentionMask {
  Span<const uint8_t> allowed;
  Span<const T> added;
};

/// The largest D for which tiles fit into shared memory.
constexpr int64_t attention_most_channels = 128;

/// y = softmax(scale q k^T) v, and log_sum[n, head, token], the logarithm of the softmax's
/// denominator.
///
/// @param mask  if a.masked, either may be empty
template <class M, class T>
void attention_forward(M&, const AttentionShape& a, Span<const T> q, Span<const T> k,
                       Span<const T> v, const AttentionMask<T>& mask, Span<T> y,
                       Span<acc_t<T>> log_sum);

/// dq, dk and dv, laid out as q, k and v. The scores are computed again.
///
/// @param dot     (N, heads, tokens), scratch
/// @param dadded  (N, heads, queries, keys), the gradients of all scores after the mask; or empty
template <class M, class T>
void attention_backward(M&, const AttentionShape&, Span<const T> q, Span<const T> k,
                        Span<const T> v, const AttentionMask<T>& mask, Span<const T> y,
                        Span<const acc_t<T>> log_sum, Span<const T> dy, Span<T> dq, Span<T> dk,
                        Span<T> dv, Span<T> dadded, Span<acc_t<T>> dot);

}  // namespace tweed
