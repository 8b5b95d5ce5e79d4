#include "nn/attention.h"

#include "autograd/attention.h"

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

}  // namespace tweed
