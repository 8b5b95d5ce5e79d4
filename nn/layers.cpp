#include "nn/layers.h"

#include <cmath>
#include <sstream>

#include "autograd/dropout.h"
#include "autograd/elementwise.h"
#include "autograd/norm.h"
#include "autograd/shape_ops.h"
#include "nn/init.h"
#include "nn/layer_text.h"

namespace tweed {

Linear::Linear(int64_t in_features, int64_t out_features, const LinearOptions& options)
    : activation_(options.activation) {
  const InitKey key = next_layer();
  double bound = 1 / std::sqrt(double(in_features));
  weight_ = add_parameter("weight", uniform_init({out_features, in_features}, bound, key));
  if (options.bias)
    bias_ = add_parameter("bias", uniform_init({out_features}, bound, {key.seed, key.layer, 1}));
}
Tensor Linear::forward(const Tensor& x) { return linear(x, weight_, bias_, activation_); }
std::string Linear::description() const {
  return call("Linear", weight_.dim(1), weight_.dim(0), activation_name(activation_));
}
int64_t Linear::multiply_adds(const Shape& output) const { return output.size() * weight_.dim(1); }

BatchNorm2d::BatchNorm2d(int64_t channels, const BatchNorm2dOptions& options) : options_(options) {
  weight_ = add_parameter("weight", Tensor::full({channels}, 1));
  bias_ = add_parameter("bias", Tensor::zeros({channels}));
  running_mean_ = add_buffer("running_mean", Tensor::zeros({channels}));
  running_var_ = add_buffer("running_var", Tensor::full({channels}, 1));
  batches_ = add_buffer("num_batches_tracked", Tensor::zeros({}, DType::int32));
}
Tensor BatchNorm2d::forward(const Tensor& x) {
  const bool updates = training() && !frozen_;
  return batch_norm(x, weight_, bias_, running_mean_, running_var_,
                    {.training = updates,
                     .momentum = options_.momentum,
                     .eps = options_.eps,
                     .activation = options_.activation,
                     .batches = batches_,
                     .parts = batch_parts()});
}
std::string BatchNorm2d::description() const {
  const std::string activation = activation_name(options_.activation);
  return call("BatchNorm2d", weight_.dim(0), frozen_ ? activation + ", frozen" : activation);
}

Tensor Dropout2d::forward(const Tensor& x) {
  return dropout2d(x, p_, random_key(Purpose::dropout), training(), random_clock());
}
std::string Dropout2d::description() const { return call("Dropout2d", p_); }
Tensor Dropout::forward(const Tensor& x) {
  return dropout(x, p_, random_key(Purpose::dropout), training(), random_clock());
}
std::string Dropout::description() const { return call("Dropout", p_); }
Tensor DropPath::forward(const Tensor& x) {
  return drop_path(x, p_, random_key(Purpose::dropout), training(), random_clock());
}
std::string DropPath::description() const { return call("DropPath", p_); }

Tensor Flatten::forward(const Tensor& x) { return flatten(x); }

}  // namespace tweed
