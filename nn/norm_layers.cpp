#include "nn/norm_layers.h"

#include "autograd/norm.h"

namespace tweed {

LayerNorm::LayerNorm(int64_t channels, double eps) : eps_(eps) {
  weight_ = add_parameter("weight", Tensor::full({channels}, 1));
  bias_ = add_parameter("bias", Tensor::zeros({channels}));
}
Tensor LayerNorm::forward(const Tensor& x) { return layer_norm(x, weight_, bias_, eps_); }
std::string LayerNorm::description() const {
  return "LayerNorm(" + std::to_string(weight_.dim(0)) + ")";
}

}  // namespace tweed
