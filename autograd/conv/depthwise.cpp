// A group for each input channel: sums over taps alone.
#include "kernels/conv/depthwise.h"

#include <algorithm>

#include "autograd/conv/algorithm.h"
#include "autograd/dispatch.h"
#include "autograd/products.h"

namespace tweed {
namespace {

// Slabs of the weight gradient: pieces whose images and gradients fit a core's second cache, and
// which fill a GPU's threads, but no more than 8 MB of sums.
int64_t depthwise_slabs(const AnyConv& c) {
  const int64_t lines = c.window.N * c.window.out_h(), weights = c.taps() * c.out_channels;
  const int64_t line = c.window.out_w() * (c.window.C * c.window.rows.stride + c.out_channels);
  const int64_t each = std::max<int64_t>(1, (int64_t(1) << 16) / std::max<int64_t>(1, line));
  return std::clamp<int64_t>((int64_t(1) << 21) / weights, 1, std::max<int64_t>(1, lines / each));
}

Tensor turned_weights(const AnyConv& c, const Tensor& weight) {
  const Tensor rows =
      Tensor::empty({c.taps(), c.out_channels}, accumulator_dtype(weight), weight.device());
  dispatch("conv2d", weight, [&]<class T>(auto& here) {
    conv_depthwise_turn(here, c, weight.read<T>(), rows.write<acc_t<T>>());
  });
  return rows;
}

void depthwise_forward(const AnyConv& c, Activation activation, const Tensor& x,
                       const Tensor& weight, const Tensor& bias, const Tensor& y, bool) {
  const Tensor rows = turned_weights(c, weight);
  dispatch("conv2d", y, [&]<class T>(auto& here) {
    conv_depthwise_forward(here, c, activation, x.read<T>(), rows.read<acc_t<T>>(),
                           read_or_empty<T>(bias), y.write<T>());
  });
}

Tensor depthwise_input_gradient(const AnyConv& c, const Tensor& dz, const Tensor& weight,
                                const Tensor& begun) {
  const Tensor dx = begun_or_new(begun, image_shape(c), dz), rows = turned_weights(c, weight);
  dispatch("conv2d", dx, [&]<class T>(auto& here) {
    conv_depthwise_backward_input(here, c, begun.defined(), dz.read<T>(), rows.read<acc_t<T>>(),
                                  dx.write<T>());
  });
  return dx;
}

Tensor depthwise_weight_gradient(const AnyConv& c, const Tensor& x, const Tensor& dz, const Tensor&,
                                 const Tensor& begun) {
  const Tensor dweight = begun_or_new(begun, weight_shape(c), x);
  const Tensor partial = Tensor::empty({depthwise_slabs(c), c.taps(), c.out_channels},
                                       accumulator_dtype(x), x.device());
  dispatch("conv2d", dweight, [&]<class T>(auto& here) {
    conv_depthwise_backward_weight(here, c, begun.defined(), x.read<T>(), dz.read<T>(),
                                   dweight.write<T>(), partial.write<acc_t<T>>());
  });
  return dweight;
}

bool depthwise_can(const AnyConv& c, ConvPass, DType) {
  return c.groups > 1 && c.groups == c.window.C;
}

}  // namespace

constinit const ConvAlgorithm conv::depthwise = {
    .name = "depthwise",
    .about = "a group for each input channel, without a product",
    .machines = {.cpu = true, .gpus = true},
    .can = depthwise_can,
    .otherwise = &conv::im2col,
    .adds = true,
    .forward = depthwise_forward,
    .input_gradient = depthwise_input_gradient,
    .weight_gradient = depthwise_weight_gradient,
};

}  // namespace tweed
