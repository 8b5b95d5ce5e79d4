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

Tensor naive_input_gradient(const Conv& c, const Tensor& dz, const Tensor& weight,
                            const Tensor& begun) {
  const Tensor dx = begun_or_new(begun, image_shape(c), dz);
  on_gpu(dx, [&]<class T>(auto& here) {
    conv_naive_backward_input(here, c, begun.defined(), dz.read<T>(), weight.read<T>(),
                              dx.write<T>());
  });
  return dx;
}

Tensor naive_weight_gradient(const Conv& c, const Tensor& x, const Tensor& dz, const Tensor&,
                             const Tensor& begun) {
  const Tensor dweight = begun_or_new(begun, weight_shape(c), x);
  on_gpu(dweight, [&]<class T>(auto& here) {
    conv_naive_backward_weight(here, c, begun.defined(), x.read<T>(), dz.read<T>(),
                               dweight.write<T>());
  });
  return dweight;
}

}  // namespace

constinit const ConvAlgorithm conv::naive = {
    .name = "naive",
    .about = "a thread for each number of the result",
    .machines = {.cpu = false, .gpus = true},
    .adds = true,
    .forward = naive_forward,
    .input_gradient = naive_input_gradient,
    .weight_gradient = naive_weight_gradient,
};

}  // namespace tweed
