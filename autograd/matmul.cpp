#include "autograd/matmul.h"

#include <algorithm>

#include "autograd/broadcast.h"
#include "autograd/describe.h"
#include "autograd/products.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"

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
  const Shape leading = dy.shape().part(0, dy.ndim() - 2);
  // A single matrix that serves a batch has the sum of its gradients.
  auto gradient = [&](int i, const Tensor& of, const Operand& left, const Operand& right) {
    const bool shared = of.ndim() == 2 && leading.ndim() > 0;
    const Tensor d = product(left, right, leading, shared ? Tensor() : want.begun(i));
    return shared ? sum_to(d, of.shape()) : d;
  };
  Grads grads(2);
  if (want[0]) grads[0] = ta ? gradient(0, a, {b, tb}, {dy, true}) : gradient(0, a, {dy}, {b, !tb});
  if (want[1]) grads[1] = tb ? gradient(1, b, {dy, true}, {a, ta}) : gradient(1, b, {a, !ta}, {dy});
  return grads;
}

// A batch of matrices on top of each other: a batch with a single matrix is one product.
Tensor stacked(const Tensor& t) {
  return t.reshape({t.shape().product(0, t.ndim() - 1), t.dim(-1)});
}

Shape leading_of(const Tensor& t) { return t.shape().part(0, t.ndim() - 2); }

// An operand with these leading axes, or as a single matrix, which serves all of them.
Tensor spread(const Tensor& t, const Shape& leading) {
  const Shape own = leading_of(t);
  if (own == leading || t.ndim() == 2) return t;
  if (own.size() == 1) return reshape(t, {t.dim(-2), t.dim(-1)});
  Shape full = leading;
  full.append(t.dim(-2));
  full.append(t.dim(-1));
  return expand(t, full);
}

// With an axis more for each operand that is a vector, which the result loses again.
Tensor product_of_vectors(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  const bool row = a.ndim() == 1, column = b.ndim() == 1;
  const Tensor left = row ? reshape(a, {1, a.size()}) : a;
  const Tensor right = column ? reshape(b, {b.size(), 1}) : b;
  const Tensor y =
      matmul(left, right, {options.transpose_a && !row, options.transpose_b && !column});
  const Shape leading = leading_of(y);
  std::vector<int64_t> sizes(leading.begin(), leading.end());
  if (!row) sizes.push_back(y.dim(-2));
  if (!column) sizes.push_back(y.dim(-1));
  return reshape(y, sizes);
}

bool broadcasts(const Shape& a, const Shape& b) {
  for (int i = 1; i <= std::min(a.ndim(), b.ndim()); ++i)
    if (a[-i] != b[-i] && a[-i] != 1 && b[-i] != 1) return false;
  return true;
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  check_alike("matmul", {a, b});
  const auto [ta, tb] = options;
  const bool vectors = a.ndim() == 1 || b.ndim() == 1;
  const auto columns = [&] { return a.ndim() == 1 ? a.size() : Operand{a, ta}.columns(); };
  const auto rows = [&] { return b.ndim() == 1 ? b.size() : Operand{b, tb}.rows(); };
  if (a.ndim() < 1 || b.ndim() < 1 || columns() != rows() ||
      !(vectors || broadcasts(leading_of(a), leading_of(b))))
    fail("matmul", "a is ", a.shape(), ta ? " transposed" : "", ", b is ", b.shape(),
         tb ? " transposed" : "");
  if (vectors) return product_of_vectors(a, b, options);
  const Shape leading = broadcast_shape("matmul", leading_of(a), leading_of(b));
  const Tensor from = spread(a, leading), right = spread(b, leading);
  const bool stack = right.ndim() == 2 && !ta;
  const Tensor left = stack ? stacked(from) : from.detach();
  const Shape given = from.shape(), all = stack ? Shape{} : leading;
  Shape to = leading;
  to.append(Operand{a, ta}.rows());
  to.append(Operand{b, tb}.columns());
  const Tensor y = product({left, ta}, {right, tb}, all).reshape(to);
  return record("matmul", {from, right}, y, save(left, right),
                [=](const Saved& s, const Tensor& dy, Want want) {
                  Grads grads =
                      matmul_backward(s[0], s[1], stack ? stacked(dy) : dy, options, want);
                  if (want[0] && grads[0].shape() != given) grads[0] = grads[0].reshape(given);
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
                  auto [dz, dbias] = bias_backward(activation, dy, s[2], want[2], want.owns_dy);
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
