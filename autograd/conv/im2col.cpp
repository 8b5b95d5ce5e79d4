// A copy of the patches into rows, and a product of matrices; a few images at a time.
#include "kernels/conv/im2col.h"

#include <algorithm>

#include "autograd/conv/algorithm.h"
#include "autograd/conv/columns.h"
#include "autograd/dispatch.h"
#include "autograd/products.h"
#include "kernels/elementwise.h"

namespace tweed {

void im2col(const AnyWindow& w, const Tensor& image, const Tensor& columns, int64_t groups) {
  with_floating(image.dtype(), "im2col", [&]<class T>() {
    on(image.device(),
       [&](auto& here) { im2col(here, w, image.read<T>(), columns.write<T>(), groups); });
  });
}
void col2im(const AnyWindow& w, const Tensor& columns, const Tensor& image, bool adds,
            int64_t groups) {
  with_floating(image.dtype(), "col2im", [&]<class T>() {
    on(image.device(),
       [&](auto& here) { col2im(here, w, columns.read<T>(), image.write<T>(), adds, groups); });
  });
}

namespace {

// A 1x1 window with stride 1 copies nothing: the image already is its rows.
bool is_product(const AnyWindow& w) {
  const WindowAxis single{1};
  return w.rows == single && w.columns == single;
}

// The rows of all patches of a batch take KH KW times the memory of its images. Pieces bound that,
// and on the CPU they stay in the cache between the copy and the product.
int64_t images_at_once(const AnyConv& c, const Tensor& x) {
  if (is_product(c.window)) return std::max<int64_t>(1, c.window.N);
  int64_t bytes =
      c.window.out_h() * c.window.out_w() * c.window.patch() * int64_t(size_of(x.dtype()));
  int64_t budget = x.device().is_cuda() ? int64_t(256) << 20 : int64_t(2) << 20;
  return std::max<int64_t>(1, std::min(c.window.N, budget / std::max<int64_t>(1, bytes)));
}

struct Piece {
  AnyWindow window;     // of these images only
  int64_t first, last;  // images
};
template <class F>
void for_pieces(const AnyConv& c, const Tensor& x, F f) {
  const int64_t step = images_at_once(c, x);
  Tensor columns;
  for (int64_t first = 0; first < c.window.N; first += step) {
    Piece piece{c.window, first, std::min(first + step, c.window.N)};
    piece.window.N = piece.last - first;
    if (!is_product(c.window) && (!columns.defined() || columns.dim(0) != piece.window.places()))
      columns = Tensor::empty({piece.window.places(), c.window.patch()}, x.dtype(), x.device());
    f(piece, columns);
  }
}

// A product for each group: in a row of columns, of filters or of results, those of a group follow
// those of the one before.
Gemm in_groups(const AnyConv& c, Gemm g, int64_t stride_a, int64_t stride_b, int64_t stride_c) {
  g.batch = c.groups;
  g.stride_a = stride_a;
  g.stride_b = stride_b;
  g.stride_c = stride_c;
  return g;
}

void im2col_forward(const AnyConv& c, Activation activation, const Tensor& x, const Tensor& weight,
                    const Tensor& bias, const Tensor& y, bool) {
  const int64_t filter = c.filter(), out = c.group_out();
  for_pieces(c, x, [&](const Piece& p, const Tensor& columns) {
    Tensor rows = x.slice(p.first, p.last);
    if (columns.defined()) {
      im2col(p.window, rows, columns, c.groups);
      rows = columns;
    }
    const Gemm product{.m = p.window.places(),
                       .n = out,
                       .k = filter,
                       .transpose_b = true,
                       .lda = c.window.patch(),
                       .ldb = filter,
                       .ldc = c.out_channels};
    const Tensor results = y.slice(p.first, p.last);
    if (c.groups == 1) return gemm_bias(product, activation, rows, weight, bias, results);
    gemm(in_groups(c, product, filter, out * filter, out), rows, weight, results);
    bias_forward(activation, bias, results);
  });
}

Tensor im2col_input_gradient(const AnyConv& c, const Tensor& dz, const Tensor& weight,
                             const Tensor& begun) {
  const int64_t filter = c.filter(), out = c.group_out();
  const bool adds = begun.defined();
  const Tensor dx = begun_or_new(begun, image_shape(c), dz);
  for_pieces(c, dx, [&](const Piece& p, const Tensor& columns) {
    Tensor image = dx.slice(p.first, p.last);
    Tensor rows = columns.defined() ? columns : image;
    const Gemm product{.m = p.window.places(),
                       .n = filter,
                       .k = out,
                       .lda = c.out_channels,
                       .ldb = filter,
                       .ldc = c.window.patch(),
                       .accumulate = adds && !columns.defined()};
    gemm(in_groups(c, product, out, out * filter, filter), dz.slice(p.first, p.last), weight, rows);
    if (columns.defined()) col2im(p.window, columns, image, adds, c.groups);
  });
  return dx;
}

// The sum over pieces is kept in float for bf16: rounding it after each piece would lose bits.
Tensor im2col_weight_gradient(const AnyConv& c, const Tensor& x, const Tensor& dz, const Tensor&,
                              const Tensor& begun) {
  const int64_t filter = c.filter(), out = c.group_out();
  const bool apart = accumulator_dtype(x) != x.dtype();
  Tensor dweight = apart ? Tensor::empty(weight_shape(c), accumulator_dtype(x), x.device())
                         : begun_or_new(begun, weight_shape(c), x);
  bool adds = begun.defined() && !apart;
  for_pieces(c, x, [&](const Piece& p, const Tensor& columns) {
    Tensor rows = x.slice(p.first, p.last);
    if (columns.defined()) {
      im2col(p.window, rows, columns, c.groups);
      rows = columns;
    }
    const Gemm product{.m = out,
                       .n = filter,
                       .k = p.window.places(),
                       .transpose_a = true,
                       .lda = c.out_channels,
                       .ldb = c.window.patch(),
                       .ldc = filter,
                       .accumulate = adds};
    gemm(in_groups(c, product, out, filter, out * filter), dz.slice(p.first, p.last), rows,
         dweight);
    adds = true;
  });
  if (!apart || !begun.defined()) return dweight.to(x.dtype());
  on(begun.device(),
     [&](auto& here) { axpy(here, 1.0, dweight.read<float>(), begun.write<bf16>()); });
  return begun;
}

}  // namespace

constinit const ConvAlgorithm conv::im2col = {
    .name = "im2col",
    .about = "patches copied into rows, then a product of matrices",
    .machines = {.cpu = true, .gpus = true},
    .adds = true,
    .forward = im2col_forward,
    .input_gradient = im2col_input_gradient,
    .weight_gradient = im2col_weight_gradient,
};

}  // namespace tweed
