// Multi-head attention as a layer.
#pragma once
#include "autograd/attention.h"
#include "nn/layers.h"

namespace tweed {

/// Every token looks at the tokens of its sample, or of its window; see attention() and
/// window_attention(). Children: qkv (Linear, dim to 3 dim), proj (Linear, dim to dim).
class Attention : public Module {
 public:
  /// @param window  0: x is (N, L, dim); else (N, H, W, dim), in squares of this side
  Attention(int64_t dim, int64_t heads, int64_t window);
  Tensor forward(const Tensor& x) override;
  std::string description() const override;
  int64_t heads() const { return heads_; }
  /// The side of a window in tokens; 0: every token looks at all.
  int64_t window() const { return window_; }

 private:
  int64_t dim_, heads_, window_;
  ModulePtr qkv_, proj_;
};

/// Queries that look at keys and values of any other sequence: PyTorch's nn.MultiheadAttention with
/// batch_first, and its parameters: in_proj_weight (3 dim, dim), for queries, keys and values in
/// that order, in_proj_bias (3 dim); child out_proj (Linear, dim to dim). There is no dropout.
/// Initial values are PyTorch's.
class MultiheadAttention : public Module {
 public:
  /// @param heads  divides dim. @throws ShapeError  "[multihead_attention] 5 heads do not divide
  /// 12"
  MultiheadAttention(int64_t dim, int64_t heads, bool bias = true);
  /// Each token looks at all of its sample. @param x (N, L, dim)
  Tensor forward(const Tensor& x) override;
  /// @param query       (N, L, dim)
  /// @param key, value  (N, S, dim)
  /// @param options     mask, causal and scale of scaled_dot_product_attention(). Bytes are 1 where
  /// a
  ///                    query may attend; PyTorch's module has it the other way
  /// @return            (N, L, dim)
  Tensor attend(const Tensor& query, const Tensor& key, const Tensor& value,
                const AttentionOptions& options = {});
  std::string description() const override;

 private:
  Tensor projected(const Tensor& x, int64_t which) const;
  Tensor by_heads(const Tensor& x) const;

  int64_t dim_, heads_;
  Tensor weight_, bias_;
  ModulePtr out_;
};

}  // namespace tweed
