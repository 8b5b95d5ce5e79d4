// Convolution turned round: its passes are conv2d's, in other roles.
#include "autograd/conv/convolution.h"
#include "autograd/conv/passes.h"
#include "autograd/products.h"
#include "kernels/window.h"

namespace tweed {
namespace {

// An axis of the result, `out` pixels long, whose windows are x's `size` pixels. What
// output_padding adds lies beyond the last window.
WindowAxis axis_of(int64_t kernel, int64_t stride, int64_t before, int64_t after,
                   int64_t output_padding, int64_t dilation, int64_t size, int64_t* out) {
  WindowAxis axis{kernel, stride, before, after - output_padding, kernel == 1 ? 1 : dilation};
  *out = (size - 1) * stride + axis.span() - axis.before - axis.after;
  WindowAxis even = axis;
  even.after = before;
  return *out > 0 && even.fits(*out) && even.out(*out) == size ? even : axis;
}

void check_output_padding(const char* op, const ConvTransposeOptions& o) {
  const auto& p = o.output_padding;
  const bool rows = p.h >= 0 && p.h < std::max(o.stride.h, o.dilation.h);
  const bool columns = p.w >= 0 && p.w < std::max(o.stride.w, o.dilation.w);
  if (!rows || !columns)
    fail(op, "output_padding ", p.str(), " is not less than stride ", o.stride.str(),
         " or dilation ", o.dilation.str());
}

}  // namespace

void check_transposed_channels(const char* op, const Tensor& x, const Tensor& weight,
                               const Tensor& bias, int64_t groups) {
  const int64_t in = x.dim(-1);
  if (groups < 1 || in % groups) fail(op, groups, " groups of ", in, " channels");
  if (weight.dim(0) != in)
    fail(op, "weight is ", weight.shape(), ", x is ", x.shape(),
         ": the first axis is x's channels");
  if (bias.defined() && bias.shape() != Shape{weight.dim(-1) * groups})
    fail(op, "bias is ", bias.shape(), ", weight is ", weight.shape(),
         groups == 1 ? "" : ", in " + std::to_string(groups) + " groups");
}

TransposedConvolution transposed_of(const char* op, const Shape& images, const Tensor& weight,
                                    const ConvTransposeOptions& o) {
  const int64_t kernel_h = weight.dim(1), kernel_w = weight.dim(2);
  const auto& [top, left, bottom, right] = o.padding;
  if (std::min({kernel_h, kernel_w, o.stride.h, o.stride.w, o.dilation.h, o.dilation.w}) < 1 ||
      std::min({top, left, bottom, right}) < 0)
    fail(op, "kernel ", Pair(kernel_h, kernel_w).str(), ", stride ", o.stride.str(), ", padding ",
         o.padding.str(), ", dilation ", o.dilation.str());
  check_output_padding(op, o);
  int64_t H = 0, W = 0;
  const WindowAxis rows =
      axis_of(kernel_h, o.stride.h, top, bottom, o.output_padding.h, o.dilation.h, images[1], &H);
  const WindowAxis columns =
      axis_of(kernel_w, o.stride.w, left, right, o.output_padding.w, o.dilation.w, images[2], &W);
  if (std::min(images[1], images[2]) < 1 || std::min(H, W) < 1)
    fail(op, "a kernel of ", Pair(kernel_h, kernel_w).str(), " on ", images, " with padding ",
         o.padding.str(), " leaves no pixel");
  const AnyConv c{{images[0], H, W, weight.dim(3) * o.groups, rows, columns}, images[3], o.groups};
  return {c, plan_conv(c, weight.dtype(), weight.device(), o.algorithm)};
}

Attributes attributes_of(const ConvTransposeOptions& o) {
  Attributes all = attributes_of(ConvOptions{
      .stride = o.stride, .padding = o.padding, .dilation = o.dilation, .groups = o.groups});
  all["output_padding"] = {double(o.output_padding.h), double(o.output_padding.w)};
  return all;
}

Tensor convolve_transposed(const TransposedConvolution& c, const Tensor& x, const Tensor& weight,
                           const Tensor& bias) {
  const MemoryLabel label("conv_transpose2d");
  const Tensor y = conv_backward_input(c.conv, *c.plan.input, x, weight);
  if (y.size() > 0) bias_forward(Activation::none, bias, y);
  return y;
}

Grads convolve_transposed_backward(const TransposedConvolution& c, const Tensor& x,
                                   const Tensor& weight, const Tensor& dy, Want want) {
  Grads grads(3);
  if (want[0]) {
    grads[0] = Tensor::empty_like(x);
    conv_forward(c.conv, *c.plan.forward, Activation::none, dy, weight, {}, grads[0]);
  }
  if (want[1])
    grads[1] = conv_backward_weight(c.conv, *c.plan.weight, dy, x, {},
                                    c.plan.weight->adds ? want.begun(1) : Tensor());
  if (want[2]) grads[2] = bias_backward(Activation::none, dy, {}, true, false).dbias;
  return grads;
}

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  const char* const op = "conv_transpose2d";
  check_alike(op, {x, weight, bias});
  if (x.ndim() != 4 || weight.ndim() != 4)
    fail(op, "weight is ", weight.shape(), ", x is ", x.shape());
  check_transposed_channels(op, x, weight, bias, options.groups);
  const TransposedConvolution c = transposed_of(op, x.shape(), weight, options);
  const Tensor y = convolve_transposed(c, x, weight, bias);
  if (is_watched()) describe(op, attributes_of(options));
  return record(op, {x, weight, bias}, y, save(x, weight),
                [=](const Saved& s, const Tensor& dy, Want want) {
                  return convolve_transposed_backward(c, s[0], s[1], dy, want);
                });
}

}  // namespace tweed
