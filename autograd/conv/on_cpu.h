// The passes of an algorithm of ours on `cpu`, which computes in float and double; bfloat16 is
// converted around it.
#pragma once
#include "autograd/conv/algorithm.h"
#include "autograd/conv/kept_filters.h"
#include "autograd/conv/scratch.h"
#include "autograd/dispatch.h"

namespace tweed::on_cpu {

/// Calls f<T>(), T double for float64 and float for all others, which wide() converts.
template <class F>
void in_float_or_double(const Tensor& t, F f) {
  if (t.dtype() == DType::float64)
    f.template operator()<double>();
  else
    f.template operator()<float>();
}
inline Tensor wide(const Tensor& t) {
  return t.dtype() == DType::float64 ? t : t.to(DType::float32);
}
inline Tensor wide_empty(const Shape& shape, const Tensor& like) {
  return Tensor::empty(shape, accumulator_dtype(like));
}

/// Kernels has functions `forward`, `input` and `weight`, templates on float and double, which take
/// what a launcher takes; `forward` a KeepFilters at the end, too, if it `keeps` filters.
template <class Kernels, bool keeps = false>
void forward(const AnyConv& c, Activation activation, const Tensor& x, const Tensor& weight,
             const Tensor& bias, const Tensor& y, bool) {
  Scratch scratch;
  Tensor result = y.dtype() == accumulator_dtype(y) ? y : wide_empty(y.shape(), y);
  in_float_or_double(y, [&]<class T>() {
    auto run = [&](const auto&... filters) {
      Kernels::template forward<T>(cpu_machine(), c, activation, wide(x).read<T>(),
                                   wide(weight).read<T>(),
                                   bias.defined() ? wide(bias).read<T>() : Span<const T>(),
                                   result.write<T>(), scratch.allocate(), filters...);
    };
    if constexpr (keeps) {
      KeptFilters kept(weight, scratch);
      run(kept.ask());
      kept.keep();
    } else {
      run();
    }
  });
  if (!result.same(y)) y.copy_from(result);
}

template <class Kernels>
Tensor input_gradient(const AnyConv& c, const Tensor& dz, const Tensor& weight, const Tensor&) {
  Scratch scratch;
  Tensor dx = wide_empty(image_shape(c), dz);
  in_float_or_double(dz, [&]<class T>() {
    Kernels::template input<T>(cpu_machine(), c, wide(dz).read<T>(), wide(weight).read<T>(),
                               dx.write<T>(), scratch.allocate());
  });
  return dx.to(dz.dtype());
}

template <class Kernels>
Tensor weight_gradient(const AnyConv& c, const Tensor& x, const Tensor& dz, const Tensor&,
                       const Tensor&) {
  Scratch scratch;
  Tensor dweight = wide_empty(weight_shape(c), x);
  in_float_or_double(x, [&]<class T>() {
    Kernels::template weight<T>(cpu_machine(), c, wide(x).read<T>(), wide(dz).read<T>(),
                                dweight.write<T>(), scratch.allocate());
  });
  return dweight.to(x.dtype());
}

}  // namespace tweed::on_cpu
