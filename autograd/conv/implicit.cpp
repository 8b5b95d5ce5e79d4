// im2col's product without its matrix.
#include "kernels/conv/implicit.h"

#include "autograd/conv/algorithm.h"
#include "autograd/conv/on_gpu.h"

namespace tweed {
namespace {

void implicit_forward(const Conv& c, Activation activation, const Tensor& x, const Tensor& weight,
                      const Tensor& bias, const Tensor& y, bool) {
  on_gpu(y, [&]<class T>(auto& here) {
    conv_implicit_forward(here, c, activation, x.read<T>(), weight.read<T>(),
                          read_or_empty<T>(bias), y.write<T>());
  });
}

Tensor implicit_input_gradient(const Conv& c, const Tensor& dz, const Tensor& weight,
                               const Tensor& begun) {
  const Tensor dx = begun_or_new(begun, image_shape(c), dz);
  Tensor turned = Tensor::empty(weight.shape(), weight.dtype(), weight.device());
  on_gpu(dx, [&]<class T>(auto& here) {
    conv_implicit_backward_input(here, c, begun.defined(), dz.read<T>(), weight.read<T>(),
                                 turned.write<T>(), dx.write<T>());
  });
  return dx;
}

Tensor implicit_weight_gradient(const Conv& c, const Tensor& x, const Tensor& dz, const Tensor&,
                                const Tensor& begun) {
  const Tensor dweight = begun_or_new(begun, weight_shape(c), x);
  Tensor partial =
      Tensor::empty({conv_weight_slabs(c), dweight.size()}, accumulator_dtype(x), x.device());
  on_gpu(dweight, [&]<class T>(auto& here) {
    conv_implicit_backward_weight(here, c, begun.defined(), x.read<T>(), dz.read<T>(),
                                  dweight.write<T>(), partial.write<acc_t<T>>());
  });
  return dweight;
}

bool implicit_can(const Conv&, ConvPass, DType) { return true; }

}  // namespace

constinit const ConvAlgorithm conv::implicit = {
    .name = "implicit",
    .about = "im2col's product, its tiles gathered into shared memory",
    .machines = {.cpu = false, .gpus = true},
    .can = of_square<implicit_can>,
    .otherwise = &conv::im2col,
    .adds = true,
    .forward = of_square<implicit_forward>,
    .input_gradient = of_square<implicit_input_gradient>,
    .weight_gradient = of_square<implicit_weight_gradient>,
};

}  // namespace tweed
