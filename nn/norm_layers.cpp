#include "nn/norm_layers.h"

#include "autograd/norm.h"

namespace tweed {

LayerNorm::LayerNorm(int64_t features, double eps) : eps_(eps) {
  weight_ = add_parameter("weight", Tensor::full({features}, 1));
  bias_ = add_parameter("bias", Tensor::zeros({features}));
}
Tensor LayerNorm::forward(const Tensor& x) { return layer_norm(x, weight_, bias_, eps_); }
std::string LayerNorm::description() const {
  return "LayerNorm(" + std::to_string(weight_.dim(0)) + ")";
}

GroupNorm::GroupNorm(int64_t groups, int64_t channels, double eps) : groups_(groups), eps_(eps) {
  if (groups < 1 || channels % groups)
    throw Error("GroupNorm: " + std::to_string(groups) + " groups of " + std::to_string(channels) +
                " channels");
  weight_ = add_parameter("weight", Tensor::full({channels}, 1));
  bias_ = add_parameter("bias", Tensor::zeros({channels}));
}
Tensor GroupNorm::forward(const Tensor& x) { return group_norm(x, groups_, weight_, bias_, eps_); }
std::string GroupNorm::description() const {
  return "GroupNorm(" + std::to_string(groups_) + ", " + std::to_string(weight_.dim(0)) + ")";
}

RMSNorm::RMSNorm(int64_t features, double eps) : eps_(eps) {
  weight_ = add_parameter("weight", Tensor::full({features}, 1));
}
Tensor RMSNorm::forward(const Tensor& x) { return rms_norm(x, weight_, eps_); }
std::string RMSNorm::description() const {
  return "RMSNorm(" + std::to_string(weight_.dim(0)) + ")";
}

InstanceNorm2d::InstanceNorm2d(int64_t channels, const InstanceNorm2dOptions& options)
    : channels_(channels), options_(options) {
  if (!options.affine) return;
  weight_ = add_parameter("weight", Tensor::full({channels}, 1));
  bias_ = add_parameter("bias", Tensor::zeros({channels}));
}
Tensor InstanceNorm2d::forward(const Tensor& x) {
  if (x.ndim() < 2 || x.dim(-1) != channels_)
    throw ShapeError("[instance_norm] x is " + x.shape().str() + ", not (N, ..., " +
                     std::to_string(channels_) + ")");
  return instance_norm(x, weight_, bias_, options_.eps);
}
std::string InstanceNorm2d::description() const {
  return "InstanceNorm2d(" + std::to_string(channels_) + (options_.affine ? ", affine)" : ")");
}

}  // namespace tweed
