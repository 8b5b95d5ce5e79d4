// The definition, a thread for each number of the result.
#include "kernels/conv/naive.h"

#include "autograd/conv/algorithm.h"
#include "autograd/conv/on_gpu.h"

namespace tweed {
namespace {

void naive_forward(const Conv& c, Activation activation, const Tensor& x, const Tensor& weight,
                   const Tensor& bias, const Tensor& y, bool) {
  on_gpu(y, [&]<class T>(auto& here) {
    conv_naive_forward(here, c, activation, x.read<T>(), weight.read<T>(), read_or_empty<T>(bias),
                       y.write<T>());
  });
}

Tensor naive_input_gradient(const Conv& c, const Tensor& dz, const Tensor& weight) {
  const Tensor dx = Tensor::empty(image_shape(c), dz.dtype(), dz.device());
  on_gpu(dx, [&]<class T>(auto& here) {
    conv_naive_backward_input(here, c, dz.read<T>(), weight.read<T>(), dx.write<T>());
  });
  return dx;
}

Tensor naive_weight_gradient(const Conv& c, const Tensor& x, const Tensor& dz, const Tensor&) {
  const Tensor dweight = Tensor::empty(weight_shape(c), x.dtype(), x.device());
  on_gpu(dweight, [&]<class T>(auto& here) {
    conv_naive_backward_weight(here, c, x.read<T>(), dz.read<T>(), dweight.write<T>());
  });
  return dweight;
}

}  // namespace

constinit const ConvAlgorithm conv::naive = {
    .name = "naive",
    .about = "a thread for each number of the result",
    .machines = {.cpu = false, .gpus = true},
    .forward = naive_forward,
    .input_gradient = naive_input_gradient,
    .weight_gradient = naive_weight_gradient,
};

}  // namespace tweed
