#include "nn/conv_layers.h"

#include <cmath>

#include "nn/init.h"
#include "nn/layer_text.h"

namespace tweed {
namespace {

struct Weights {
  Tensor weight, bias;  // no bias: undefined
};
// @param terms  of a sum, by which PyTorch's bounds go
Weights draw(const Shape& shape, int64_t terms, int64_t out_channels, bool bias) {
  const InitKey key = next_layer();
  const double bound = 1 / std::sqrt(double(terms));
  Weights w{uniform_init(shape, bound, key), {}};
  if (bias) w.bias = uniform_init({out_channels}, bound, {key.seed, key.layer, 1});
  return w;
}

void check_groups(const char* op, int64_t in, int64_t out, int64_t groups) {
  if (groups < 1 || in % groups || out % groups)
    fail(op, groups, " groups of ", in, " channels into ", out);
}

// Pixels before and after an axis for a result as long as it.
Pair same_border(int64_t kernel, int64_t dilation) {
  const int64_t all = dilation * (kernel - 1);
  return {all / 2, all - all / 2};
}

std::string unless(const char* what, Pair value, int64_t usual) {
  return value == usual ? "" : named(what, value.str());
}
std::string padding_text(const Padding& padding, bool same) {
  return named("padding", same ? "same" : padding.str());
}

}  // namespace

Conv2d::Conv2d(int64_t in_channels, int64_t out_channels, Pair kernel, const Conv2dOptions& options)
    : options_(options), same_(options.padding == same_padding) {
  if (same_ && options.stride != 1)
    fail("conv2d", "padding \"same\" takes a stride of 1, not ", options.stride.str());
  check_groups("conv2d", in_channels, out_channels, options.groups);
  if (same_) {
    const Pair rows = same_border(kernel.h, options.dilation.h);
    const Pair columns = same_border(kernel.w, options.dilation.w);
    options_.padding = {rows.h, columns.h, rows.w, columns.w};
  }
  const int64_t in = in_channels / options.groups;
  auto [weight, bias] = draw({out_channels, kernel.h, kernel.w, in}, in * kernel.h * kernel.w,
                             out_channels, options.bias);
  weight_ = add_parameter("weight", weight);
  if (options.bias) bias_ = add_parameter("bias", bias);
}
Tensor Conv2d::forward(const Tensor& x) { return conv2d(x, weight_, bias_, conv_options()); }
std::string Conv2d::description() const {
  const Conv2dOptions& o = options_;
  return call("Conv2d", weight_.dim(3) * o.groups, weight_.dim(0),
              named("kernel", Pair(weight_.dim(1), weight_.dim(2)).str()),
              named("stride", o.stride.str()), padding_text(o.padding, same_),
              unless("dilation", o.dilation, 1), unless("groups", o.groups, 1),
              activation_name(o.activation));
}
int64_t Conv2d::multiply_adds(const Shape& output) const {
  return output.size() * weight_.shape().product(1, 4);
}

ConvTranspose2d::ConvTranspose2d(int64_t in_channels, int64_t out_channels, Pair kernel,
                                 const ConvTranspose2dOptions& options)
    : options_(options) {
  check_groups("conv_transpose2d", in_channels, out_channels, options.groups);
  const int64_t out = out_channels / options.groups;
  auto [weight, bias] = draw({in_channels, kernel.h, kernel.w, out}, out * kernel.h * kernel.w,
                             out_channels, options.bias);
  weight_ = add_parameter("weight", weight);
  if (options.bias) bias_ = add_parameter("bias", bias);
}
Tensor ConvTranspose2d::forward(const Tensor& x) {
  return conv_transpose2d(x, weight_, bias_,
                          {.stride = options_.stride,
                           .padding = options_.padding,
                           .output_padding = options_.output_padding,
                           .dilation = options_.dilation,
                           .groups = options_.groups});
}
std::string ConvTranspose2d::description() const {
  const ConvTranspose2dOptions& o = options_;
  return call("ConvTranspose2d", weight_.dim(0), weight_.dim(3) * o.groups,
              named("kernel", Pair(weight_.dim(1), weight_.dim(2)).str()),
              named("stride", o.stride.str()), padding_text(o.padding, false),
              unless("output padding", o.output_padding, 0), unless("dilation", o.dilation, 1),
              unless("groups", o.groups, 1));
}
// Each input pixel meets all of the weights; their number follows from the result's.
int64_t ConvTranspose2d::multiply_adds(const Shape& output) const {
  const ConvTranspose2dOptions& o = options_;
  auto input = [](int64_t out, int64_t border, int64_t more, int64_t kernel, int64_t stride,
                  int64_t dilation) {
    return (out - more + border - dilation * (kernel - 1) - 1) / stride + 1;
  };
  const int64_t H = input(output[1], o.padding.top + o.padding.bottom, o.output_padding.h,
                          weight_.dim(1), o.stride.h, o.dilation.h);
  const int64_t W = input(output[2], o.padding.left + o.padding.right, o.output_padding.w,
                          weight_.dim(2), o.stride.w, o.dilation.w);
  return output[0] * H * W * weight_.size();
}

Conv1d::Conv1d(int64_t in_channels, int64_t out_channels, int64_t kernel,
               const Conv1dLayerOptions& options)
    : options_(options), padding_(options.padding) {
  const bool same = options.padding == same_padding;
  if (same && options.stride != 1)
    fail("conv1d", "padding \"same\" takes a stride of 1, not ", options.stride);
  check_groups("conv1d", in_channels, out_channels, options.groups);
  if (same) padding_ = same_border(kernel, options.dilation);
  const int64_t in = in_channels / options.groups;
  auto [weight, bias] =
      draw({out_channels, 1, kernel, in}, in * kernel, out_channels, options.bias);
  weight_ = add_parameter("weight", weight);
  leave_out_rows("weight");
  if (options.bias) bias_ = add_parameter("bias", bias);
}
Tensor Conv1d::forward(const Tensor& x) {
  return conv1d(x, weight_, bias_,
                {.stride = options_.stride,
                 .padding = padding_,
                 .dilation = options_.dilation,
                 .groups = options_.groups,
                 .activation = options_.activation});
}
std::string Conv1d::description() const {
  const Conv1dLayerOptions& o = options_;
  return call("Conv1d", weight_.dim(3) * o.groups, weight_.dim(0),
              named("kernel", double(weight_.dim(2))), named("stride", double(o.stride)),
              padding_text(o.padding, o.padding == same_padding), unless("dilation", o.dilation, 1),
              unless("groups", o.groups, 1), activation_name(o.activation));
}
int64_t Conv1d::multiply_adds(const Shape& output) const {
  return output.size() * weight_.shape().product(1, 4);
}

}  // namespace tweed
