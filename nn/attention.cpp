#include "nn/attention.h"

#include "autograd/attention.h"

namespace tweed {

Attention::Attention(int64_t dim, int64_t heads, int64_t window, Init qkv, Init proj)
    : dim_(dim), heads_(heads), window_(window) {
  qkv_ = add_child("qkv", std::make_shared<Linear>(dim, 3 * dim, qkv));
  proj_ = add_child("proj", std::make_shared<Linear>(dim, dim, proj));
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
