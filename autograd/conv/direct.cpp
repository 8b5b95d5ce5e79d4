// oneDNN's algorithms, which know float32 alone: bfloat16 is converted around them.
#include "kernels/conv/direct.h"

#include "autograd/conv/algorithm.h"
#include "autograd/conv/kept_filters.h"
#include "autograd/conv/scratch.h"
#include "autograd/dispatch.h"
#include "autograd/products.h"

namespace tweed {
namespace {

Tensor in_float(const Tensor& t) { return t.defined() ? t.to(DType::float32) : t; }

void onednn_forward(const AnyConv& c, Activation activation, const Tensor& x, const Tensor& weight,
                    const Tensor& bias, const Tensor& y, bool) {
  Scratch scratch;
  KeptFilters kept(weight, scratch);
  Tensor result = y.dtype() == DType::float32 ? y : Tensor::empty(y.shape());
  conv_direct_forward(cpu_machine(), c, in_float(x).read<float>(), in_float(weight).read<float>(),
                      read_or_empty<float>(in_float(bias)), result.write<float>(),
                      scratch.allocate(), kept.ask());
  kept.keep();
  bias_forward(activation, {}, result);
  if (!result.same(y)) y.copy_from(result);
}

Tensor onednn_input_gradient(const AnyConv& c, const Tensor& dz, const Tensor& weight,
                             const Tensor&) {
  Scratch scratch;
  Tensor dx = Tensor::empty(image_shape(c));
  conv_direct_backward_input(cpu_machine(), c, in_float(dz).read<float>(),
                             in_float(weight).read<float>(), dx.write<float>(), scratch.allocate());
  return dx.to(dz.dtype());
}

Tensor onednn_weight_gradient(const AnyConv& c, const Tensor& x, const Tensor& dz,
                              const Tensor& dbias, const Tensor&) {
  Scratch scratch;
  Tensor dweight = Tensor::empty(weight_shape(c));
  conv_direct_backward_weight(cpu_machine(), c, in_float(x).read<float>(),
                              in_float(dz).read<float>(), dweight.write<float>(),
                              write_or_empty<float>(dbias), scratch.allocate());
  return dweight.to(x.dtype());
}

// oneDNN makes no primitive for images without channels, nor for some windows.
bool direct_can(const AnyConv& c, ConvPass, DType dtype) {
  return dtype != DType::float64 && c.window.C > 0 && c.out_channels > 0 && conv_has_direct(c);
}

}  // namespace

constinit const ConvAlgorithm conv::direct = {
    .name = "direct",
    .about = "oneDNN",
    .machines = {.cpu = true, .gpus = false},
    .can = direct_can,
    .otherwise = &conv::tiled,
    .sensible = conv_direct_is_fast,
    .gives_bias_gradient = true,
    .forward = onednn_forward,
    .input_gradient = onednn_input_gradient,
    .weight_gradient = onednn_weight_gradient,
};

}  // namespace tweed
