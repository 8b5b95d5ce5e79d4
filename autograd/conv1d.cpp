// Sequences as images of height 1. The memory is the same, so that only shapes change.
#include "autograd/conv/convolution.h"

namespace tweed {
namespace {

// (A, L, C) as (A, 1, L, C).
Tensor in_a_row(const Tensor& t) {
  return t.ndim() == 4 ? t : t.reshape({t.dim(0), 1, t.dim(1), t.dim(2)});
}
Tensor as_sequences(const Tensor& y) { return y.reshape({y.dim(0), y.dim(2), y.dim(3)}); }
// Gradients as x and weight lie; what others have begun does already.
Grads shaped_as(Grads grads, const Tensor& x, const Tensor& weight) {
  const Tensor* like[] = {&x, &weight};
  for (std::size_t i = 0; i < 2; ++i)
    if (grads[i].defined() && grads[i].shape() != like[i]->shape())
      grads[i] = grads[i].reshape(like[i]->shape());
  return grads;
}

void check_sequences(const char* op, const Tensor& x, const Tensor& weight) {
  const bool in_row = weight.ndim() == 4 && weight.dim(1) == 1;
  if (x.ndim() != 3 || (weight.ndim() != 3 && !in_row))
    fail(op, "weight is ", weight.shape(), ", x is ", x.shape(), ", not (N, L, C)");
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv1dOptions& o) {
  check_alike("conv1d", {x, weight, bias});
  check_sequences("conv1d", x, weight);
  check_channels("conv1d", x, x.dim(2), weight, bias, o.groups);
  const ConvOptions options{.stride = {1, o.stride},
                            .padding = {0, o.padding.h, 0, o.padding.w},
                            .dilation = {1, o.dilation},
                            .groups = o.groups,
                            .activation = o.activation,
                            .algorithm = o.algorithm};
  const Tensor images = in_a_row(x), filters = in_a_row(weight);
  const Convolution c = convolution_of("conv1d", images.shape(), filters, options);
  const Tensor y = as_sequences(convolve(c, images, filters, bias));
  if (is_watched()) describe("conv1d", attributes_of(options));
  return record("conv1d", {x, weight, bias}, y,
                save(x, weight, o.activation == Activation::none ? Tensor() : y),
                [=](const Saved& s, const Tensor& dy, Want want) {
                  const Tensor y4 = s[2].defined() ? in_a_row(s[2]) : Tensor();
                  return shaped_as(
                      convolve_backward(c, in_a_row(s[0]), in_a_row(s[1]), y4, in_a_row(dy), want),
                      s[0], s[1]);
                });
}

Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose1dOptions& o) {
  const char* const op = "conv_transpose1d";
  check_alike(op, {x, weight, bias});
  check_sequences(op, x, weight);
  check_transposed_channels(op, x, weight, bias, o.groups);
  const ConvTransposeOptions options{.stride = {1, o.stride},
                                     .padding = {0, o.padding.h, 0, o.padding.w},
                                     .output_padding = {0, o.output_padding},
                                     .dilation = {1, o.dilation},
                                     .groups = o.groups,
                                     .algorithm = o.algorithm};
  const Tensor images = in_a_row(x), filters = in_a_row(weight);
  const TransposedConvolution c = transposed_of(op, images.shape(), filters, options);
  const Tensor y = as_sequences(convolve_transposed(c, images, filters, bias));
  if (is_watched()) describe(op, attributes_of(options));
  return record(
      op, {x, weight, bias}, y, save(x, weight), [=](const Saved& s, const Tensor& dy, Want want) {
        return shaped_as(
            convolve_transposed_backward(c, in_a_row(s[0]), in_a_row(s[1]), in_a_row(dy), want),
            s[0], s[1]);
      });
}

}  // namespace tweed
