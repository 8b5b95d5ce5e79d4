#include "autograd/conv.h"

#include "autograd/conv/choice.h"
#include "autograd/conv/columns.h"
#include "autograd/conv/packing.h"
#include "autograd/conv/passes.h"
#include "autograd/describe.h"
#include "autograd/dispatch.h"
#include "autograd/products.h"
#include "kernels/rearrange.h"

namespace tweed {
namespace {

Window window_of(const char* op, const Shape& image, int64_t kernel, int64_t stride,
                 int64_t padding) {
  if (image.ndim() != 4) fail(op, "images are (N, H, W, C), not ", image);
  if (kernel < 1 || stride < 1 || padding < 0)
    fail(op, "kernel ", kernel, ", stride ", stride, ", padding ", padding);
  Window w{image[0], image[1], image[2], image[3], kernel, stride, padding};
  if (w.H + 2 * padding < kernel || w.W + 2 * padding < kernel)
    fail(op, "a kernel of ", kernel, " on ", image, " with padding ", padding);
  return w;
}

// Of x, weight and result if there is an activation, which `s` has.
Grads conv2d_backward(const Conv& c, const ConvPlan& plan, Activation activation, const Saved& s,
                      const Tensor& dy, Want want) {
  // With an activation, bias_backward has to compute dz first, and adds up the bias gradient in the
  // same pass.
  const bool by_product = plan.weight->gives_bias_gradient && activation == Activation::none &&
                          want[1] && dy.dtype() == DType::float32 && dy.size() > 0 &&
                          s[1].size() > 0;
  auto [dz, dbias] = bias_backward(activation, dy, s[2], want[2] && !by_product);
  if (want[2] && by_product) dbias = Tensor::empty({c.out_channels});
  auto begun = [&](const ConvAlgorithm& by, int i) { return by.adds ? want.begun(i) : Tensor(); };
  Grads grads{{}, {}, dbias};
  if (want[0]) grads[0] = conv_backward_input(c, *plan.input, dz, s[1], begun(*plan.input, 0));
  if (want[1])
    grads[1] = conv_backward_weight(c, *plan.weight, s[0], dz, by_product ? dbias : Tensor(),
                                    begun(*plan.weight, 1));
  return grads;
}

// (N, H, W, C), of packed images too.
Shape images_shape(const Tensor& x) {
  const auto packed = PackedImages::of(x);
  if (!packed) return x.shape();
  if (requires_grad(x)) throw Error("[conv2d] x is PackedImages, which have no gradient");
  return {x.dim(0), x.dim(1), packed->W, packed->C};
}

}  // namespace

Packing wanted_packing(const Shape& images, const Tensor& weight, const ConvOptions& options) {
  const int64_t least = weight.dim(1) - 2 * options.padding;
  if (images[1] < least || images[2] < least || images[3] != weight.dim(3))
    return plain_pixels(images[3]);
  const Conv c{window_of("conv2d", images, weight.dim(1), options.stride, options.padding),
               weight.dim(0)};
  const DType dtype = weight.dtype();
  const ConvPlan plan = plan_conv(c, dtype, weight.device(), options.algorithm);
  const Packing packing = wanted_packing(*plan.forward, c, dtype);
  return wanted_packing(*plan.weight, c, dtype) == packing ? packing : plain_pixels(c.window.C);
}

Tensor unpacked(const Tensor& x) {
  const auto packed = PackedImages::of(x);
  if (!packed) return x;
  const Packing& p = packed->packing;
  const int64_t lines = x.dim(0) * x.dim(1), columns = x.dim(2) * p.pixels;
  const Tensor images =
      Tensor::empty({x.dim(0), x.dim(1), packed->W, packed->C}, x.dtype(), x.device());
  StridedCopy copy{.x_offset = p.border * p.channels};
  copy.add({lines, columns * p.channels, packed->W * packed->C});
  copy.add({packed->W, p.channels, packed->C});
  copy.add({packed->C, 1, 1});
  dispatch("conv2d", x,
           [&]<class T>(auto& here) { copy_strided(here, copy, x.read<T>(), images.write<T>()); });
  return images;
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvOptions& options) {
  check_alike("conv2d", {x, weight, bias});
  const Shape images = images_shape(x);
  if (images.ndim() != 4 || weight.ndim() != 4 || weight.dim(1) != weight.dim(2) ||
      weight.dim(3) != images[3])
    fail("conv2d", "weight is ", weight.shape(), ", x is ", x.shape());
  if (bias.defined() && bias.shape() != Shape{weight.dim(0)})
    fail("conv2d", "bias is ", bias.shape(), ", weight is ", weight.shape());
  Conv c{window_of("conv2d", images, weight.dim(1), options.stride, options.padding),
         weight.dim(0)};
  Activation activation = options.activation;
  const ConvPlan plan = plan_conv(c, x.dtype(), x.device(), options.algorithm);

  MemoryLabel label("conv2d");
  Tensor y = Tensor::empty({c.window.N, c.window.out_h(), c.window.out_w(), c.out_channels},
                           x.dtype(), x.device());
  conv_forward(c, *plan.forward, activation, x, weight, bias, y, options.moments);
  Tensor saved_y = activation == Activation::none ? Tensor() : y;
  if (is_watched())
    describe("conv2d", {{"stride", {double(options.stride)}},
                        {"padding", {double(options.padding)}},
                        {"relu", {double(activation == Activation::relu)}}});
  return record("conv2d", {x, weight, bias}, y, save(x, weight, saved_y),
                [=](const Saved& s, const Tensor& dy, Want want) {
                  return conv2d_backward(c, plan, activation, s, dy, want);
                });
}

Tensor unfold(const Tensor& x, int64_t kernel, int64_t stride, int64_t padding) {
  Window w = window_of("unfold", x.shape(), kernel, stride, padding);
  Tensor columns = Tensor::empty({w.places(), w.patch()}, x.dtype(), x.device());
  im2col(w, x, columns);
  return record("unfold", {x}, columns, {}, [=](const Saved&, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty({w.N, w.H, w.W, w.C}, dy.dtype(), dy.device());
    col2im(w, dy, dx);
    return Grads{dx};
  });
}

Tensor fold(const Tensor& columns, const Shape& image, int64_t kernel, int64_t stride,
            int64_t padding) {
  Window w = window_of("fold", image, kernel, stride, padding);
  if (columns.shape() != Shape{w.places(), w.patch()})
    fail("fold", "columns are ", columns.shape(), ", an image ", image, " has ",
         Shape{w.places(), w.patch()});
  Tensor y = Tensor::empty(image, columns.dtype(), columns.device());
  col2im(w, columns, y);
  return record("fold", {columns}, y, {}, [=](const Saved&, const Tensor& dy, Want) {
    Tensor dcolumns = Tensor::empty({w.places(), w.patch()}, dy.dtype(), dy.device());
    im2col(w, dy, dcolumns);
    return Grads{dcolumns};
  });
}

}  // namespace tweed
