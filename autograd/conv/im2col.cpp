// A copy of the patches into rows, and a product of matrices; a few images at a time.
#include "kernels/conv/im2col.h"

#include <algorithm>

#include "autograd/conv/algorithm.h"
#include "autograd/conv/columns.h"
#include "autograd/dispatch.h"
#include "autograd/products.h"
#include "kernels/elementwise.h"

namespace tweed {

void im2col(const Window& w, const Tensor& image, const Tensor& columns) {
  with_floating(image.dtype(), "im2col", [&]<class T>() {
    on(image.device(), [&](auto& here) { im2col(here, w, image.read<T>(), columns.write<T>()); });
  });
}
void col2im(const Window& w, const Tensor& columns, const Tensor& image, bool adds) {
  with_floating(image.dtype(), "col2im", [&]<class T>() {
    on(image.device(),
       [&](auto& here) { col2im(here, w, columns.read<T>(), image.write<T>(), adds); });
  });
}

namespace {

// A 1x1 window with stride 1 copies nothing: the image already is its rows.
bool is_product(const Window& w) { return w.kernel == 1 && w.stride == 1 && w.padding == 0; }

// The rows of all patches of a batch take kernel^2 times the memory of its images. Pieces bound
// that, and on the CPU they stay in the cache between the copy and the product.
int64_t images_at_once(const Conv& c, const Tensor& x) {
  if (is_product(c.window)) return std::max<int64_t>(1, c.window.N);
  int64_t bytes =
      c.window.out_h() * c.window.out_w() * c.window.patch() * int64_t(size_of(x.dtype()));
  int64_t budget = x.device().is_cuda() ? int64_t(256) << 20 : int64_t(2) << 20;
  return std::max<int64_t>(1, std::min(c.window.N, budget / std::max<int64_t>(1, bytes)));
}

struct Piece {
  Window window;        // of these images only
  int64_t first, last;  // images
};
template <class F>
void for_pieces(const Conv& c, const Tensor& x, F f) {
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

void im2col_forward(const Conv& c, Activation activation, const Tensor& x, const Tensor& weight,
                    const Tensor& bias, const Tensor& y, bool) {
  int64_t patch = c.window.patch(), Co = c.out_channels;
  for_pieces(c, x, [&](const Piece& p, const Tensor& columns) {
    Tensor rows = x.slice(p.first, p.last);
    if (columns.defined()) {
      im2col(p.window, rows, columns);
      rows = columns;
    }
    gemm_bias({.m = p.window.places(),
               .n = Co,
               .k = patch,
               .transpose_b = true,
               .lda = patch,
               .ldb = patch,
               .ldc = Co},
              activation, rows, weight, bias, y.slice(p.first, p.last));
  });
}

Tensor im2col_input_gradient(const Conv& c, const Tensor& dz, const Tensor& weight,
                             const Tensor& begun) {
  int64_t patch = c.window.patch(), Co = c.out_channels;
  const bool adds = begun.defined();
  const Tensor dx = begun_or_new(begun, image_shape(c), dz);
  for_pieces(c, dx, [&](const Piece& p, const Tensor& columns) {
    Tensor image = dx.slice(p.first, p.last);
    Tensor rows = columns.defined() ? columns : image;
    gemm({.m = p.window.places(),
          .n = patch,
          .k = Co,
          .lda = Co,
          .ldb = patch,
          .ldc = patch,
          .accumulate = adds && !columns.defined()},
         dz.slice(p.first, p.last), weight, rows);
    if (columns.defined()) col2im(p.window, columns, image, adds);
  });
  return dx;
}

// The sum over pieces is kept in float for bf16: rounding it after each piece would lose bits.
Tensor im2col_weight_gradient(const Conv& c, const Tensor& x, const Tensor& dz, const Tensor&,
                              const Tensor& begun) {
  int64_t patch = c.window.patch(), Co = c.out_channels;
  const bool apart = accumulator_dtype(x) != x.dtype();
  Tensor dweight = apart ? Tensor::empty(weight_shape(c), accumulator_dtype(x), x.device())
                         : begun_or_new(begun, weight_shape(c), x);
  bool adds = begun.defined() && !apart;
  for_pieces(c, x, [&](const Piece& p, const Tensor& columns) {
    Tensor rows = x.slice(p.first, p.last);
    if (columns.defined()) {
      im2col(p.window, rows, columns);
      rows = columns;
    }
    gemm({.m = Co,
          .n = patch,
          .k = p.window.places(),
          .transpose_a = true,
          .lda = Co,
          .ldb = patch,
          .ldc = patch,
          .accumulate = adds},
         dz.slice(p.first, p.last), rows, dweight);
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
