// Our register tile on `cpu`, in float and double; bfloat16 is converted around it.
#include "kernels/conv/tiled.h"

#include "autograd/conv/algorithm.h"
#include "autograd/conv/scratch.h"
#include "autograd/dispatch.h"

namespace tweed {
namespace {

// Calls f<T>(), T double for float64 and float for all others, which wide() converts.
template <class F>
void in_float_or_double(const Tensor& t, F f) {
  if (t.dtype() == DType::float64)
    f.template operator()<double>();
  else
    f.template operator()<float>();
}
Tensor wide(const Tensor& t) { return t.dtype() == DType::float64 ? t : t.to(DType::float32); }
Tensor wide_empty(const Shape& shape, const Tensor& like) {
  return Tensor::empty(shape, accumulator_dtype(like));
}

void tiled_forward(const AnyConv& c, Activation activation, const Tensor& x, const Tensor& weight,
                   const Tensor& bias, const Tensor& y, bool) {
  Scratch scratch;
  Tensor result = y.dtype() == accumulator_dtype(y) ? y : wide_empty(y.shape(), y);
  in_float_or_double(y, [&]<class T>() {
    conv_tiled_forward<T>(cpu_machine(), c, activation, wide(x).read<T>(), wide(weight).read<T>(),
                          bias.defined() ? wide(bias).read<T>() : Span<const T>(),
                          result.write<T>(), scratch.allocate());
  });
  if (!result.same(y)) y.copy_from(result);
}

Tensor tiled_input_gradient(const AnyConv& c, const Tensor& dz, const Tensor& weight,
                            const Tensor&) {
  Scratch scratch;
  Tensor dx = wide_empty(image_shape(c), dz);
  in_float_or_double(dz, [&]<class T>() {
    conv_tiled_backward_input<T>(cpu_machine(), c, wide(dz).read<T>(), wide(weight).read<T>(),
                                 dx.write<T>(), scratch.allocate());
  });
  return dx.to(dz.dtype());
}

Tensor tiled_weight_gradient(const AnyConv& c, const Tensor& x, const Tensor& dz, const Tensor&,
                             const Tensor&) {
  Scratch scratch;
  Tensor dweight = wide_empty(weight_shape(c), x);
  in_float_or_double(x, [&]<class T>() {
    conv_tiled_backward_weight<T>(cpu_machine(), c, wide(x).read<T>(), wide(dz).read<T>(),
                                  dweight.write<T>(), scratch.allocate());
  });
  return dweight.to(x.dtype());
}

bool tiled_can(const AnyConv& c, ConvPass, DType) { return c.groups == 1; }

}  // namespace

constinit const ConvAlgorithm conv::tiled = {
    .name = "tiled",
    .about = "a register tile of ours",
    .machines = {.cpu = true, .gpus = false},
    .can = tiled_can,
    .otherwise = &conv::im2col,
    .forward = tiled_forward,
    .input_gradient = tiled_input_gradient,
    .weight_gradient = tiled_weight_gradient,
};

}  // namespace tweed
