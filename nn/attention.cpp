#include "nn/attention.h"

#include "autograd/attention.h"
#include "autograd/matmul.h"
#include "autograd/shape_ops.h"
#include "nn/init.h"

namespace tweed {

Attention::Attention(int64_t dim, int64_t heads, int64_t window)
    : dim_(dim), heads_(heads), window_(window) {
  qkv_ = add_child("qkv", Linear(dim, 3 * dim));
  proj_ = add_child("proj", Linear(dim, dim));
}

Tensor Attention::forward(const Tensor& x) {
  const Tensor qkv = (*qkv_)(x);
  return (*proj_)(window_ ? window_attention(qkv, heads_, window_) : attention(qkv, heads_));
}

std::string Attention::description() const {
  return "Attention(" + std::to_string(dim_) + ", heads " + std::to_string(heads_) +
         (window_ ? ", window " + std::to_string(window_) : "") + ")";
}

MultiheadAttention::MultiheadAttention(int64_t dim, int64_t heads, bool bias)
    : dim_(dim), heads_(heads) {
  if (heads < 1 || dim < 1 || dim % heads)
    fail("multihead_attention", heads, " heads do not divide ", dim);
  weight_ = add_parameter("in_proj_weight", xavier_uniform({3 * dim, dim}, next_layer()));
  if (bias) bias_ = add_parameter("in_proj_bias", Tensor::zeros({3 * dim}));
  out_ = add_child("out_proj", Linear(dim, dim, {.bias = bias}));
  for (auto& [name, t] : out_->parameters())
    if (name == "bias") t.zero();
}

// Queries, keys or values (N, tokens, dim) of x.
Tensor MultiheadAttention::projected(const Tensor& x, int64_t which) const {
  const int64_t first = which * dim_, last = first + dim_;
  return linear(x, slice(weight_, 0, first, last),
                bias_.defined() ? slice(bias_, 0, first, last) : Tensor());
}
// (N, tokens, dim) to (N, heads, tokens, dim / heads).
Tensor MultiheadAttention::by_heads(const Tensor& x) const {
  return permute(reshape(x, {x.dim(0), x.dim(1), heads_, dim_ / heads_}), {0, 2, 1, 3});
}

Tensor MultiheadAttention::forward(const Tensor& x) {
  return (*out_)(attention(linear(x, weight_, bias_), heads_));
}

Tensor MultiheadAttention::attend(const Tensor& query, const Tensor& key, const Tensor& value,
                                  const AttentionOptions& options) {
  for (auto& t : {query, key, value})
    if (t.ndim() != 3 || t.dim(2) != dim_)
      fail("multihead_attention", "needs (N, tokens, ", dim_, "), query is ", query.shape(),
           ", key ", key.shape(), ", value ", value.shape());
  const Tensor y =
      scaled_dot_product_attention(by_heads(projected(query, 0)), by_heads(projected(key, 1)),
                                   by_heads(projected(value, 2)), options);
  return (*out_)(reshape(permute(y, {0, 2, 1, 3}), {query.dim(0), query.dim(1), dim_}));
}

std::string MultiheadAttention::description() const {
  return "MultiheadAttention(" + std::to_string(dim_) + ", heads " + std::to_string(heads_) + ")";
}

}  // namespace tweed
