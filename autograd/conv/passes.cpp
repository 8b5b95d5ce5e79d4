#include "autograd/conv/passes.h"

#include <vector>

#include "autograd/conv/mma_passes.h"
#include "autograd/dispatch.h"
#include "autograd/products.h"
#include "kernels/conv/direct.h"
#include "kernels/conv/im2col.h"
#include "kernels/conv/implicit.h"
#include "kernels/conv/naive.h"
#include "kernels/conv/tiled.h"

namespace tweed {

void im2col(const Window& w, const Tensor& image, const Tensor& columns) {
  with_floating(image.dtype(), "im2col", [&]<class T>() {
    on(image.device(), [&](auto& here) { im2col(here, w, image.read<T>(), columns.write<T>()); });
  });
}
void col2im(const Window& w, const Tensor& columns, const Tensor& image) {
  with_floating(image.dtype(), "col2im", [&]<class T>() {
    on(image.device(), [&](auto& here) { col2im(here, w, columns.read<T>(), image.write<T>()); });
  });
}

namespace {

// ---- im2col, a few images at a time ---------------------------------------------------------

// The rows of all patches of a batch take kernel^2 times the memory of its images. Pieces bound
// that, and on the CPU they stay in the cache between the copy and the product.
int64_t images_at_once(const Conv& c, const Tensor& x) {
  int64_t bytes =
      c.window.out_h() * c.window.out_w() * c.window.patch() * int64_t(size_of(x.dtype()));
  int64_t budget = x.device().is_cuda() ? int64_t(256) << 20 : int64_t(2) << 20;
  return std::max<int64_t>(1, std::min(c.window.N, budget / std::max<int64_t>(1, bytes)));
}

// A 1x1 window with stride 1 copies nothing: the image already is its rows.
bool is_product(const Window& w) { return w.kernel == 1 && w.stride == 1 && w.padding == 0; }

struct Piece {
  Window window;        // of these images only
  int64_t first, last;  // images
};
template <class F>
void for_pieces(const Conv& c, const Tensor& x, F f) {
  int64_t step = is_product(c.window) ? std::max<int64_t>(1, c.window.N) : images_at_once(c, x);
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
                    const Tensor& bias, const Tensor& y) {
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

void im2col_backward_input(const Conv& c, const Tensor& dz, const Tensor& weight,
                           const Tensor& dx) {
  int64_t patch = c.window.patch(), Co = c.out_channels;
  for_pieces(c, dx, [&](const Piece& p, const Tensor& columns) {
    Tensor image = dx.slice(p.first, p.last);
    Tensor rows = columns.defined() ? columns : image;
    gemm({.m = p.window.places(), .n = patch, .k = Co, .lda = Co, .ldb = patch, .ldc = patch},
         dz.slice(p.first, p.last), weight, rows);
    if (columns.defined()) col2im(p.window, columns, image);
  });
}

// The sum over pieces is kept in float for bf16: rounding it after each piece would lose bits.
Tensor im2col_backward_weight(const Conv& c, const Tensor& x, const Tensor& dz) {
  int64_t patch = c.window.patch(), Co = c.out_channels, K = c.window.kernel;
  Tensor dweight = Tensor::zeros({Co, K, K, c.window.C}, accumulator_dtype(x), x.device());
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
          .accumulate = true},
         dz.slice(p.first, p.last), rows, dweight);
  });
  return dweight.to(x.dtype());
}

// ---- direct -----------------------------------------------------------------------------------

// Scratch memory from the pool, for the length of one call.
class Scratch {
 public:
  Allocate allocate() {
    return [this](std::size_t bytes) {
      blocks_.push_back(std::make_unique<Storage>(Device(), bytes));
      return blocks_.back()->data();
    };
  }

 private:
  MemoryLabel label_{"a convolution's scratch memory"};
  std::vector<std::unique_ptr<Storage>> blocks_;
};

Tensor in_float(const Tensor& t) { return t.defined() ? t.to(DType::float32) : t; }

void direct_forward(const Conv& c, Method method, Activation activation, const Tensor& x,
                    const Tensor& weight, const Tensor& bias, const Tensor& y) {
  Scratch scratch;
  Tensor result = y.dtype() == DType::float32 ? y : Tensor::empty(y.shape());
  conv_direct_forward(cpu_machine(), c, in_float(x).read<float>(), in_float(weight).read<float>(),
                      read_or_empty<float>(in_float(bias)), result.write<float>(),
                      scratch.allocate(), method);
  bias_forward(activation, {}, result);
  if (!result.same(y)) y.copy_from(result);
}

Tensor direct_backward_input(const Conv& c, Method method, const Tensor& dz, const Tensor& weight,
                             const Shape& shape) {
  Scratch scratch;
  Tensor dx = Tensor::empty(shape);
  conv_direct_backward_input(cpu_machine(), c, in_float(dz).read<float>(),
                             in_float(weight).read<float>(), dx.write<float>(), scratch.allocate(),
                             method);
  return dx.to(dz.dtype());
}

Tensor direct_backward_weight(const Conv& c, const Tensor& x, const Tensor& dz, const Shape& shape,
                              const Tensor& dbias) {
  Scratch scratch;
  Tensor dweight = Tensor::empty(shape);
  conv_direct_backward_weight(cpu_machine(), c, in_float(x).read<float>(),
                              in_float(dz).read<float>(), dweight.write<float>(),
                              write_or_empty<float>(dbias), scratch.allocate());
  return dweight.to(x.dtype());
}

// ---- tiled --------------------------------------------------------------------------------------

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

void tiled_forward(const Conv& c, Activation activation, const Tensor& x, const Tensor& weight,
                   const Tensor& bias, const Tensor& y) {
  Scratch scratch;
  Tensor result = y.dtype() == accumulator_dtype(y) ? y : wide_empty(y.shape(), y);
  in_float_or_double(y, [&]<class T>() {
    conv_tiled_forward<T>(cpu_machine(), c, activation, wide(x).read<T>(), wide(weight).read<T>(),
                          bias.defined() ? wide(bias).read<T>() : Span<const T>(),
                          result.write<T>(), scratch.allocate());
  });
  if (!result.same(y)) y.copy_from(result);
}

Tensor tiled_backward_input(const Conv& c, const Tensor& dz, const Tensor& weight,
                            const Shape& shape) {
  Scratch scratch;
  Tensor dx = wide_empty(shape, dz);
  in_float_or_double(dz, [&]<class T>() {
    conv_tiled_backward_input<T>(cpu_machine(), c, wide(dz).read<T>(), wide(weight).read<T>(),
                                 dx.write<T>(), scratch.allocate());
  });
  return dx.to(dz.dtype());
}

Tensor tiled_backward_weight(const Conv& c, const Tensor& x, const Tensor& dz, const Shape& shape) {
  Scratch scratch;
  Tensor dweight = wide_empty(shape, x);
  if (dweight.size() == 0) return dweight.to(x.dtype());
  in_float_or_double(x, [&]<class T>() {
    conv_tiled_backward_weight<T>(cpu_machine(), c, wide(x).read<T>(), wide(dz).read<T>(),
                                  dweight.write<T>(), scratch.allocate());
  });
  return dweight.to(x.dtype());
}

// ---- naive and implicit -------------------------------------------------------------------------

// Calls f<T>(here) for t's dtype and device.
template <class F>
void on_gpu(const Tensor& t, F f) {
  with_floating(t.dtype(), "conv2d", [&]<class T>() {
    on<Cuda, Sim>(t.device(), [&](auto& here) { f.template operator()<T>(here); });
  });
}

void naive_forward(const Conv& c, Activation activation, const Tensor& x, const Tensor& weight,
                   const Tensor& bias, const Tensor& y) {
  on_gpu(y, [&]<class T>(auto& here) {
    conv_naive_forward(here, c, activation, x.read<T>(), weight.read<T>(), read_or_empty<T>(bias),
                       y.write<T>());
  });
}
void implicit_forward(const Conv& c, Activation activation, const Tensor& x, const Tensor& weight,
                      const Tensor& bias, const Tensor& y) {
  on_gpu(y, [&]<class T>(auto& here) {
    conv_implicit_forward(here, c, activation, x.read<T>(), weight.read<T>(),
                          read_or_empty<T>(bias), y.write<T>());
  });
}

void naive_backward_input(const Conv& c, const Tensor& dz, const Tensor& weight, const Tensor& dx) {
  on_gpu(dx, [&]<class T>(auto& here) {
    conv_naive_backward_input(here, c, dz.read<T>(), weight.read<T>(), dx.write<T>());
  });
}
void implicit_backward_input(const Conv& c, const Tensor& dz, const Tensor& weight,
                             const Tensor& dx) {
  Tensor turned = Tensor::empty(weight.shape(), weight.dtype(), weight.device());
  on_gpu(dx, [&]<class T>(auto& here) {
    conv_implicit_backward_input(here, c, dz.read<T>(), weight.read<T>(), turned.write<T>(),
                                 dx.write<T>());
  });
}

void naive_backward_weight(const Conv& c, const Tensor& x, const Tensor& dz,
                           const Tensor& dweight) {
  on_gpu(dweight, [&]<class T>(auto& here) {
    conv_naive_backward_weight(here, c, x.read<T>(), dz.read<T>(), dweight.write<T>());
  });
}
void implicit_backward_weight(const Conv& c, const Tensor& x, const Tensor& dz,
                              const Tensor& dweight) {
  Tensor partial =
      Tensor::empty({conv_weight_slabs(c), dweight.size()}, accumulator_dtype(x), x.device());
  on_gpu(dweight, [&]<class T>(auto& here) {
    conv_implicit_backward_weight(here, c, x.read<T>(), dz.read<T>(), dweight.write<T>(),
                                  partial.write<acc_t<T>>());
  });
}

}  // namespace

void conv_forward(const Conv& c, ConvAlgorithm algorithm, Activation activation, const Tensor& x,
                  const Tensor& weight, const Tensor& bias, const Tensor& y, bool moments) {
  if (y.size() == 0) return;
  switch (algorithm) {
    case ConvAlgorithm::naive:
      return naive_forward(c, activation, x, weight, bias, y);
    case ConvAlgorithm::implicit:
      return implicit_forward(c, activation, x, weight, bias, y);
    case ConvAlgorithm::mma:
      return mma_forward(c, activation, x, weight, bias, y, moments);
    case ConvAlgorithm::direct:
      return direct_forward(c, Method::direct, activation, x, weight, bias, y);
    case ConvAlgorithm::winograd:
      return direct_forward(c, Method::winograd, activation, x, weight, bias, y);
    case ConvAlgorithm::tiled:
      return tiled_forward(c, activation, x, weight, bias, y);
    default:
      im2col_forward(c, activation, x, weight, bias, y);
  }
}

Tensor conv_backward_input(const Conv& c, ConvAlgorithm algorithm, const Tensor& dz,
                           const Tensor& weight) {
  const Shape shape = {c.window.N, c.window.H, c.window.W, c.window.C};
  if (algorithm == ConvAlgorithm::direct && shape.size() > 0)
    return direct_backward_input(c, Method::direct, dz, weight, shape);
  if (algorithm == ConvAlgorithm::winograd && shape.size() > 0)
    return direct_backward_input(c, Method::winograd, dz, weight, shape);
  if (algorithm == ConvAlgorithm::tiled && shape.size() > 0)
    return tiled_backward_input(c, dz, weight, shape);
  Tensor dx = Tensor::empty(shape, dz.dtype(), dz.device());
  if (dx.size() == 0) return dx;
  if (algorithm == ConvAlgorithm::naive)
    naive_backward_input(c, dz, weight, dx);
  else if (algorithm == ConvAlgorithm::implicit)
    implicit_backward_input(c, dz, weight, dx);
  else if (algorithm == ConvAlgorithm::mma)
    mma_backward_input(c, dz, weight, dx);
  else
    im2col_backward_input(c, dz, weight, dx);
  return dx;
}

Tensor conv_backward_weight(const Conv& c, ConvAlgorithm algorithm, const Tensor& x,
                            const Tensor& dz, const Tensor& dbias) {
  const Shape shape = {c.out_channels, c.window.kernel, c.window.kernel, c.window.C};
  if (dz.size() == 0) return Tensor::zeros(shape, x.dtype(), x.device());
  if (algorithm == ConvAlgorithm::direct || algorithm == ConvAlgorithm::winograd)
    return direct_backward_weight(c, x, dz, shape, dbias);
  if (algorithm == ConvAlgorithm::tiled) return tiled_backward_weight(c, x, dz, shape);
  if (algorithm == ConvAlgorithm::im2col) return im2col_backward_weight(c, x, dz);
  Tensor dweight = Tensor::empty(shape, x.dtype(), x.device());
  if (algorithm == ConvAlgorithm::naive)
    naive_backward_weight(c, x, dz, dweight);
  else if (algorithm == ConvAlgorithm::mma)
    mma_backward_weight(c, x, dz, dweight);
  else
    implicit_backward_weight(c, x, dz, dweight);
  return dweight;
}

}  // namespace tweed
