#include "autograd/products.h"

#include "autograd/dispatch.h"
#include "kernels/elementwise.h"
#include "kernels/machine/trace_notes.h"

namespace tweed {

void gemm(const Gemm& g, const Tensor& a, const Tensor& b, const Tensor& c) {
  const trace::Way way(nullptr, g.flops());
  on(c.device(), [&](auto& here) {
    if (a.dtype() == DType::bfloat16 && c.dtype() == DType::float32)
      return gemm(here, g, a.read<bf16>(), b.read<bf16>(), c.write<float>());
    with_floating(c.dtype(), "gemm",
                  [&]<class T>() { gemm(here, g, a.read<T>(), b.read<T>(), c.write<T>()); });
  });
}

void gemm_bias(const Gemm& g, Activation activation, const Tensor& a, const Tensor& b,
               const Tensor& bias, const Tensor& c) {
  const trace::Way way(nullptr, g.flops());
  with_floating(c.dtype(), "gemm", [&]<class T>() {
    const Span<const T> v = bias.defined() ? bias.read<T>() : Span<const T>();
    on(c.device(), [&](auto& here) {
      gemm_bias(here, g, activation, a.read<T>(), b.read<T>(), v, c.write<T>());
    });
  });
}

void bias_forward(Activation activation, const Tensor& bias, const Tensor& y) {
  if (!bias.defined() && activation == Activation::none) return;
  int64_t channels = y.dim(-1), rows = channels ? y.size() / channels : 0;
  with_floating(y.dtype(), "bias", [&]<class T>() {
    on(y.device(), [&](auto& here) {
      Span<const T> b = bias.defined() ? bias.read<T>() : Span<const T>();
      bias_forward(here, activation, rows, b, y.write<T>());
    });
  });
}

BiasGrads bias_backward(Activation activation, const Tensor& dy, const Tensor& y, bool want_bias,
                        bool owns_dy) {
  BiasGrads grads{dy, {}};
  const bool relu = activation != Activation::none;
  // On a GPU a kernel reads faster what it does not write.
  const bool in_place = relu && owns_dy && dy.device().kind() == Device::Kind::cpu;
  if (relu && !in_place) grads.dz = Tensor::empty_like(dy);
  if (!want_bias && !in_place) {  // as for an attack, which wants no gradients but the image's
    if (relu)
      dispatch("bias", dy, [&]<class T>(auto& here) {
        unary_backward(here, Unary::relu, 0, y.read<T>(), dy.read<T>(), grads.dz.write<T>());
      });
    return grads;
  }
  const int64_t channels = dy.dim(-1), rows = channels ? dy.size() / channels : 0;
  Tensor partial;
  if (want_bias) {
    grads.dbias = Tensor::empty({channels}, dy.dtype(), dy.device());
    partial =
        Tensor::empty({bias_slabs(rows, channels), channels}, accumulator_dtype(dy), dy.device());
  }
  dispatch("bias", dy, [&]<class T>(auto& here) {
    bias_backward(here, activation, rows, in_place ? Span<const T>() : dy.read<T>(),
                  relu ? y.read<T>() : Span<const T>(), relu ? grads.dz.write<T>() : Span<T>(),
                  write_or_empty<T>(grads.dbias), write_or_empty<acc_t<T>>(partial));
  });
  return grads;
}

}  // namespace tweed
