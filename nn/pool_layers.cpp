#include "nn/pool_layers.h"

#include "nn/layer_text.h"

namespace tweed {
namespace {

// "MaxPool2d(3, stride 2, padding 1, ceil mode)", a stride of 0 being the kernel's size.
std::string pool_text(const char* name, Pair kernel, const PoolOptions& o,
                      const std::string& more = "") {
  const Pair stride = {o.stride.h ? o.stride.h : kernel.h, o.stride.w ? o.stride.w : kernel.w};
  return std::string(name) + "(" + kernel.str() + ", stride " + stride.str() + ", padding " +
         o.padding.str() + (o.dilation == 1 ? "" : ", dilation " + o.dilation.str()) +
         (o.ceil_mode ? ", ceil mode" : "") +
         (o.activation == Activation::none ? "" : ", " + activation_name(o.activation)) + more +
         ")";
}
std::string counted(bool count_include_pad) {
  return count_include_pad ? "" : ", padding not counted";
}
std::string to_size(const char* name, Pair out) {
  return std::string(name) + "(" + std::to_string(out.h) + ", " + std::to_string(out.w) + ")";
}

}  // namespace

Tensor MaxPool2d::forward(const Tensor& x) { return max_pool2d(x, kernel_, options_); }
std::string MaxPool2d::description() const { return pool_text("MaxPool2d", kernel_, options_); }

Tensor AvgPool2d::forward(const Tensor& x) { return avg_pool2d(x, kernel_, options_); }
std::string AvgPool2d::description() const {
  return pool_text("AvgPool2d", kernel_, {options_.stride, options_.padding, options_.ceil_mode},
                   counted(options_.count_include_pad));
}

Tensor AdaptiveAvgPool2d::forward(const Tensor& x) {
  return adaptive_avg_pool2d(x, out_.h, out_.w);
}
std::string AdaptiveAvgPool2d::description() const { return to_size("AdaptiveAvgPool2d", out_); }

Tensor AdaptiveMaxPool2d::forward(const Tensor& x) {
  return adaptive_max_pool2d(x, out_.h, out_.w);
}
std::string AdaptiveMaxPool2d::description() const { return to_size("AdaptiveMaxPool2d", out_); }

Tensor GlobalAvgPool::forward(const Tensor& x) { return global_avg_pool(x); }
Tensor GlobalMaxPool::forward(const Tensor& x) { return global_max_pool(x); }

Tensor MaxPool1d::forward(const Tensor& x) { return max_pool1d(x, kernel_, options_); }
std::string MaxPool1d::description() const {
  return pool_text("MaxPool1d", kernel_,
                   {options_.stride, options_.padding, options_.ceil_mode, options_.dilation});
}

Tensor AvgPool1d::forward(const Tensor& x) { return avg_pool1d(x, kernel_, options_); }
std::string AvgPool1d::description() const {
  return pool_text("AvgPool1d", kernel_, {options_.stride, options_.padding, options_.ceil_mode},
                   counted(options_.count_include_pad));
}

Tensor AdaptiveAvgPool1d::forward(const Tensor& x) { return adaptive_avg_pool1d(x, out_); }
std::string AdaptiveAvgPool1d::description() const {
  return "AdaptiveAvgPool1d(" + std::to_string(out_) + ")";
}

}  // namespace tweed
