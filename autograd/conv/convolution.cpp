#include "autograd/conv/convolution.h"

#include "autograd/conv/passes.h"
#include "autograd/products.h"

namespace tweed {

void check_channels(const char* op, const Tensor& x, int64_t channels, const Tensor& weight,
                    const Tensor& bias, int64_t groups) {
  const int64_t out = weight.dim(0);
  if (groups < 1 || channels % groups || out % groups)
    fail(op, groups, " groups of ", channels, " channels into ", out);
  if (weight.dim(-1) * groups != channels)
    fail(op, "weight is ", weight.shape(), ", x is ", x.shape(),
         groups == 1 ? "" : ", in " + std::to_string(groups) + " groups");
  if (bias.defined() && bias.shape() != Shape{out})
    fail(op, "bias is ", bias.shape(), ", weight is ", weight.shape());
}

AnyConv conv_of(const char* op, const Shape& images, const Shape& weight, const ConvOptions& o) {
  return {make_window(op, images, {weight[1], weight[2]}, o.stride, o.padding, o.dilation),
          weight[0], o.groups};
}

Convolution convolution_of(const char* op, const Shape& images, const Tensor& weight,
                           const ConvOptions& o) {
  const AnyConv c = conv_of(op, images, weight.shape(), o);
  return {c, plan_conv(c, weight.dtype(), weight.device(), o.algorithm), o.activation};
}

Attributes attributes_of(const ConvOptions& o) {
  auto numbers = [](std::initializer_list<int64_t> all) {
    return std::vector<double>(all.begin(), all.end());
  };
  const auto& [top, left, bottom, right] = o.padding;
  return {{"stride", numbers({o.stride.h, o.stride.w})},
          {"padding", numbers({top, left, bottom, right})},
          {"dilation", numbers({o.dilation.h, o.dilation.w})},
          {"groups", numbers({o.groups})},
          {"relu", numbers({o.activation == Activation::relu})}};
}

Tensor convolve(const Convolution& c, const Tensor& x, const Tensor& weight, const Tensor& bias,
                bool moments) {
  const AnyWindow& w = c.conv.window;
  const MemoryLabel label("conv2d");
  const Tensor y =
      Tensor::empty({w.N, w.out_h(), w.out_w(), c.conv.out_channels}, x.dtype(), x.device());
  conv_forward(c.conv, *c.plan.forward, c.activation, x, weight, bias, y, moments);
  return y;
}

Grads convolve_backward(const Convolution& c, const Tensor& x, const Tensor& weight,
                        const Tensor& y, const Tensor& dy, Want want) {
  const auto& [conv, plan, activation] = c;
  // With an activation, bias_backward has to compute dz first, and adds up the bias gradient in the
  // same pass.
  const bool by_product = plan.weight->gives_bias_gradient && activation == Activation::none &&
                          want[1] && dy.dtype() == DType::float32 && dy.size() > 0 &&
                          weight.size() > 0;
  auto [dz, dbias] = bias_backward(activation, dy, y, want[2] && !by_product, want.owns_dy);
  if (want[2] && by_product) dbias = Tensor::empty({conv.out_channels});
  auto begun = [&](const ConvAlgorithm& by, int i) { return by.adds ? want.begun(i) : Tensor(); };
  Grads grads{{}, {}, dbias};
  if (want[0]) grads[0] = conv_backward_input(conv, *plan.input, dz, weight, begun(*plan.input, 0));
  if (want[1])
    grads[1] = conv_backward_weight(conv, *plan.weight, x, dz, by_product ? dbias : Tensor(),
                                    begun(*plan.weight, 1));
  return grads;
}

}  // namespace tweed
