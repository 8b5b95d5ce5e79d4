#include "autograd/matmul.h"

#include "autograd/bias_backward.h"

namespace tweed {

void gemm(const Gemm& g, const Tensor& a, const Tensor& b, const Tensor& c) {
  with_floating(c.dtype(), "gemm", [&]<class T>() {
    on(c.device(), [&](auto& here) { gemm(here, g, a.read<T>(), b.read<T>(), c.write<T>()); });
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

BiasGrads bias_backward(Activation activation, const Tensor& dy, const Tensor& y, bool want_bias) {
  BiasGrads grads{dy, {}};
  if (!want_bias && activation == Activation::none) return grads;
  int64_t channels = dy.dim(-1), rows = channels ? dy.size() / channels : 0;
  if (activation != Activation::none) grads.dz = Tensor::empty_like(dy);
  with_floating(dy.dtype(), "bias", [&]<class T>() {
    on(dy.device(), [&](auto& here) {
      bool relu = activation != Activation::none;
      Tensor partial;
      Span<T> dbias;
      Span<acc_t<T>> sums;
      if (want_bias) {
        grads.dbias = Tensor::empty({channels}, dy.dtype(), dy.device());
        partial = Tensor::empty({bias_slabs(rows), channels}, dtype_of<acc_t<T>>(), dy.device());
        dbias = grads.dbias.template write<T>();
        sums = partial.template write<acc_t<T>>();
      }
      bias_backward(here, activation, rows, dy.read<T>(), relu ? y.read<T>() : Span<const T>(),
                    relu ? grads.dz.template write<T>() : Span<T>(), dbias, sums);
    });
  });
  return grads;
}

namespace {

// The product of a (..., M, K) and b as one call of gemm. A batch with a single matrix is one tall
// matrix.
Gemm product(const Tensor& a, const Tensor& b) {
  int64_t m = a.dim(-2), k = a.dim(-1), n = b.dim(-1);
  bool tall = b.ndim() == 2;
  int64_t batch = tall ? 1 : a.shape().product(0, a.ndim() - 2);
  if (tall) m = a.shape().product(0, a.ndim() - 1);
  return {.m = m,
          .n = n,
          .k = k,
          .lda = k,
          .ldb = n,
          .ldc = n,
          .batch = batch,
          .stride_a = m * k,
          .stride_b = k * n,
          .stride_c = m * n};
}

Tensor matmul_da(const Tensor& a, const Tensor& b, const Tensor& dy) {
  Gemm g = product(a, b);
  Tensor da = Tensor::empty_like(a);
  gemm({.m = g.m,
        .n = g.k,
        .k = g.n,
        .transpose_b = true,
        .lda = g.n,
        .ldb = g.n,
        .ldc = g.k,
        .batch = g.batch,
        .stride_a = g.stride_c,
        .stride_b = g.stride_b,
        .stride_c = g.stride_a},
       dy, b, da);
  return da;
}
Tensor matmul_db(const Tensor& a, const Tensor& b, const Tensor& dy) {
  Gemm g = product(a, b);
  Tensor db = Tensor::empty_like(b);
  gemm({.m = g.k,
        .n = g.n,
        .k = g.m,
        .transpose_a = true,
        .lda = g.k,
        .ldb = g.n,
        .ldc = g.n,
        .batch = g.batch,
        .stride_a = g.stride_a,
        .stride_b = g.stride_c,
        .stride_c = g.stride_b},
       a, dy, db);
  return db;
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  check_alike("matmul", {a, b});
  bool fits = a.ndim() >= 2 && b.ndim() >= 2 && a.dim(-1) == b.dim(-2) &&
              (b.ndim() == 2 || a.shape().part(0, a.ndim() - 2) == b.shape().part(0, b.ndim() - 2));
  if (!fits) fail("matmul", "a is ", a.shape(), ", b is ", b.shape());
  Shape shape = a.shape();
  shape.set(-1, b.dim(-1));
  Tensor y = Tensor::empty(shape, a.dtype(), a.device());
  gemm(product(a, b), a, b, y);
  return record("matmul", {a, b}, y, save(a, b), [](const Saved& s, const Tensor& dy, Want want) {
    Grads grads(2);
    if (want[0]) grads[0] = matmul_da(s[0], s[1], dy);
    if (want[1]) grads[1] = matmul_db(s[0], s[1], dy);
    return grads;
  });
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation) {
  check_alike("linear", {x, weight, bias});
  if (weight.ndim() != 2 || x.ndim() < 1 || x.dim(-1) != weight.dim(1))
    fail("linear", "weight is ", weight.shape(), ", x is ", x.shape());
  int64_t out = weight.dim(0), in = weight.dim(1), rows = x.shape().product(0, x.ndim() - 1);
  if (bias.defined() && bias.shape() != Shape{out})
    fail("linear", "bias is ", bias.shape(), ", weight is ", weight.shape());
  Shape shape = x.shape();
  shape.set(-1, out);
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  gemm({.m = rows, .n = out, .k = in, .transpose_b = true, .lda = in, .ldb = in, .ldc = out}, x,
       weight, y);
  bias_forward(activation, bias, y);
  Tensor saved_y = activation == Activation::none ? Tensor() : y;
  return record(
      "linear", {x, weight, bias}, y, save(x, weight, saved_y),
      [=](const Saved& s, const Tensor& dy, Want want) {
        auto [dz, dbias] = bias_backward(activation, dy, s[2], want[2]);
        Grads grads{{}, {}, dbias};
        if (want[0]) {
          grads[0] = Tensor::empty_like(s[0]);
          gemm({.m = rows, .n = in, .k = out, .lda = out, .ldb = in, .ldc = in}, dz, s[1],
               grads[0]);
        }
        if (want[1]) {
          grads[1] = Tensor::empty_like(s[1]);
          gemm(
              {.m = out, .n = in, .k = rows, .transpose_a = true, .lda = out, .ldb = in, .ldc = in},
              dz, s[0], grads[1]);
        }
        return grads;
      });
}

}  // namespace tweed
