// The definition, a thread for each number of the result.
#include "kernels/conv/naive.h"

#include "autograd/conv/algorithm.h"
#include "autograd/dispatch.h"

namespace tweed {
namespace {

void naive_forward(const AnyConv& c, Activation activation, const Tensor& x, const Tensor& weight,
                   const Tensor& bias, const Tensor& y, bool) {
  dispatch("conv2d", y, [&]<class T>(auto& here) {
    conv_naive_forward(here, c, activation, x.read<T>(), weight.read<T>(), read_or_empty<T>(bias),
                       y.write<T>());
  });
}

Tensor naive_input_gradient(const AnyConv& c, const Tensor& dz, const Tensor& weight,
                            const Tensor& begun) {
  const Tensor dx = begun_or_new(begun, image_shape(c), dz);
  dispatch("conv2d", dx, [&]<class T>(auto& here) {
    conv_naive_backward_input(here, c, begun.defined(), dz.read<T>(), weight.read<T>(),
                              dx.write<T>());
  });
  return dx;
}

Tensor naive_weight_gradient(const AnyConv& c, const Tensor& x, const Tensor& dz, const Tensor&,
                             const Tensor& begun) {
  const Tensor dweight = begun_or_new(begun, weight_shape(c), x);
  dispatch("conv2d", dweight, [&]<class T>(auto& here) {
    conv_naive_backward_weight(here, c, begun.defined(), x.read<T>(), dz.read<T>(),
                               dweight.write<T>());
  });
  return dweight;
}

}  // namespace

constinit const ConvAlgorithm conv::naive = {
    .name = "naive",
    .about = "a thread for each number of the result",
    .machines = {.cpu = true, .gpus = true},
    .adds = true,
    .forward = naive_forward,
    .input_gradient = naive_input_gradient,
    .weight_gradient = naive_weight_gradient,
};

}  // namespace tweed
