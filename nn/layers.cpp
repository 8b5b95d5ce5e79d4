#include "nn/layers.h"

#include <cmath>
#include <sstream>

#include "autograd/dropout.h"
#include "autograd/elementwise.h"
#include "autograd/norm.h"
#include "autograd/shape_ops.h"
#include "nn/init.h"

namespace tweed {
namespace {

// "Name(a, b, c)"
template <class... A>
std::string call(const char* name, const A&... parts) {
  std::ostringstream out;
  const char* separator = "";
  out << name << "(";
  ((out << separator << parts, separator = ", "), ...);
  out << ")";
  return out.str();
}
std::string named(const char* what, double value) {
  std::ostringstream out;
  out << what << " " << value;
  return out.str();
}
std::string activation_name(Activation a) {
  return a == Activation::relu ? "then ReLU" : "no activation";
}

}  // namespace

Conv2d::Conv2d(int64_t in_channels, int64_t out_channels, int64_t kernel,
               const Conv2dOptions& options)
    : options_(options), same_(options.padding == same_padding) {
  if (same_ && options.stride != 1)
    fail("conv2d", "padding \"same\" takes a stride of 1, not ", options.stride);
  if (same_) options_.padding = (kernel - 1) / 2;
  const InitKey key = next_layer();
  double bound = 1 / std::sqrt(double(in_channels * kernel * kernel));
  weight_ = add_parameter("weight",
                          uniform_init({out_channels, kernel, kernel, in_channels}, bound, key));
  if (options.bias)
    bias_ = add_parameter("bias", uniform_init({out_channels}, bound, {key.seed, key.layer, 1}));
}
Tensor Conv2d::forward(const Tensor& x) {
  const bool uneven = pads_unevenly() && x.ndim() == 4;
  const Tensor image = uneven ? pad(x, {{0, 0}, {0, 1}, {0, 1}, {0, 0}}) : x;
  return conv2d(image, weight_, bias_, conv_options());
}
std::string Conv2d::description() const {
  return call("Conv2d", weight_.dim(3), weight_.dim(0), named("kernel", double(weight_.dim(1))),
              named("stride", double(options_.stride)),
              same_ ? "padding same" : named("padding", double(options_.padding)),
              activation_name(options_.activation));
}
int64_t Conv2d::multiply_adds(const Shape& output) const {
  return output.size() * weight_.shape().product(1, 4);
}

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
                     .batches = batches_});
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
