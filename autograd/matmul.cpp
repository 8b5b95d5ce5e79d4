#include "autograd/matmul.h"

#include "autograd/describe.h"
#include "autograd/products.h"
#include "autograd/reduce.h"

namespace tweed {

namespace {

// A matrix, or a batch of them, as it stands in a product.
struct Operand {
  const Tensor& t;
  bool transposed = false;

  int64_t rows() const { return t.dim(transposed ? -1 : -2); }
  int64_t columns() const { return t.dim(transposed ? -2 : -1); }
  // From one matrix to the next; a single matrix serves the whole batch.
  int64_t stride() const { return t.ndim() == 2 ? 0 : t.dim(-2) * t.dim(-1); }
};

// The products of the matrices of two batches with the given leading axes; added to `begun`, where
// that is defined.
Tensor product(const Operand& a, const Operand& b, const Shape& leading, const Tensor& begun = {}) {
  Shape shape = leading;
  shape.append(a.rows());
  shape.append(b.columns());
  const Tensor y = begun.defined() ? begun : Tensor::empty(shape, a.t.dtype(), a.t.device());
  gemm({.m = a.rows(),
        .n = b.columns(),
        .k = a.columns(),
        .transpose_a = a.transposed,
        .transpose_b = b.transposed,
        .lda = a.t.dim(-1),
        .ldb = b.t.dim(-1),
        .ldc = b.columns(),
        .accumulate = begun.defined(),
        .batch = leading.size(),
        .stride_a = a.stride(),
        .stride_b = b.stride(),
        .stride_c = a.rows() * b.columns()},
       a.t, b.t, y);
  return y;
}

Grads matmul_backward(const Tensor& a, const Tensor& b, const Tensor& dy,
                      const MatmulOptions& options, Want want) {
  const auto [ta, tb] = options;
  const Shape leading = a.shape().part(0, a.ndim() - 2);
  Grads grads(2);
  if (want[0]) {
    const Tensor begun = want.begun(0);
    grads[0] =
        ta ? product({b, tb}, {dy, true}, leading, begun) : product({dy}, {b, !tb}, leading, begun);
  }
  if (want[1]) {
    const bool shared = b.ndim() == 2 && leading.ndim() > 0;  // by a batch
    const Tensor begun = shared ? Tensor() : want.begun(1);
    grads[1] =
        tb ? product({dy, true}, {a, ta}, leading, begun) : product({a, !ta}, {dy}, leading, begun);
    if (shared) grads[1] = sum_to(grads[1], b.shape());
  }
  return grads;
}

// A batch of matrices on top of each other: a batch with a single matrix is one product.
Tensor stacked(const Tensor& t) {
  return t.reshape({t.shape().product(0, t.ndim() - 1), t.dim(-1)});
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  check_alike("matmul", {a, b});
  const auto [ta, tb] = options;
  const bool matrices = a.ndim() >= 2 && b.ndim() >= 2;
  if (!matrices || Operand{a, ta}.columns() != Operand{b, tb}.rows() ||
      (b.ndim() > 2 && a.shape().part(0, a.ndim() - 2) != b.shape().part(0, b.ndim() - 2)))
    fail("matmul", "a is ", a.shape(), ta ? " transposed" : "", ", b is ", b.shape(),
         tb ? " transposed" : "");
  const Shape from = a.shape();
  Shape to = from.part(0, a.ndim() - 2);
  to.append(Operand{a, ta}.rows());
  to.append(Operand{b, tb}.columns());
  const bool stack = b.ndim() == 2 && !ta;
  const Tensor left = stack ? stacked(a) : a.detach();
  Tensor y = product({left, ta}, {b, tb}, left.shape().part(0, left.ndim() - 2)).reshape(to);
  return record(
      "matmul", {a, b}, y, save(left, b), [=](const Saved& s, const Tensor& dy, Want want) {
        Grads grads = matmul_backward(s[0], s[1], stack ? stacked(dy) : dy, options, want);
        if (want[0] && grads[0].shape() != from) grads[0] = grads[0].reshape(from);
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
  gemm_bias({.m = rows, .n = out, .k = in, .transpose_b = true, .lda = in, .ldb = in, .ldc = out},
            activation, x, weight, bias, y);
  Tensor saved_y = activation == Activation::none ? Tensor() : y;
  if (is_watched()) describe("linear", {{"relu", {double(activation == Activation::relu)}}});
  return record("linear", {x, weight, bias}, y, save(x, weight, saved_y),
                [=](const Saved& s, const Tensor& dy, Want want) {
                  auto [dz, dbias] = bias_backward(activation, dy, s[2], want[2]);
                  const Onto dx(want, 0, s[0]), dweight(want, 1, s[1]);
                  if (want[0])
                    gemm({.m = rows,
                          .n = in,
                          .k = out,
                          .lda = out,
                          .ldb = in,
                          .ldc = in,
                          .accumulate = dx.adds},
                         dz, s[1], dx.t);
                  if (want[1])
                    gemm({.m = out,
                          .n = in,
                          .k = rows,
                          .transpose_a = true,
                          .lda = out,
                          .ldb = in,
                          .ldc = in,
                          .accumulate = dweight.adds},
                         dz, s[0], dweight.t);
                  return Grads{dx.t, dweight.t, dbias};
                });
}

}  // namespace tweed
