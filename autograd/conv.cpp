#include "autograd/conv.h"

#include "autograd/conv/columns.h"
#include "autograd/conv/convolution.h"
#include "autograd/conv/packing.h"
#include "autograd/conv/passes.h"
#include "autograd/describe.h"
#include "autograd/dispatch.h"
#include "kernels/rearrange.h"
#include "kernels/window.h"

namespace tweed {
namespace {

// (N, H, W, C), of packed images too.
Shape images_shape(const Tensor& x) {
  const auto packed = PackedImages::of(x);
  if (!packed) return x.shape();
  if (requires_grad(x)) throw Error("[conv2d] x is PackedImages, which have no gradient");
  return {x.dim(0), x.dim(1), packed->W, packed->C};
}

}  // namespace

Packing wanted_packing(const Shape& images, const Tensor& weight, const ConvOptions& options) {
  const auto& [top, left, bottom, right] = options.padding;
  const WindowAxis rows{weight.dim(1), 1, top, bottom, options.dilation.h};
  const WindowAxis columns{weight.dim(2), 1, left, right, options.dilation.w};
  if (!rows.fits(images[1]) || !columns.fits(images[2]) ||
      images[3] != weight.dim(3) * options.groups)
    return plain_pixels(images[3]);
  const AnyConv c = conv_of("conv2d", images, weight.shape(), options);
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
  if (images.ndim() != 4 || weight.ndim() != 4)
    fail("conv2d", "weight is ", weight.shape(), ", x is ", x.shape());
  check_channels("conv2d", x, images[3], weight, bias, options.groups);
  const Convolution c = convolution_of("conv2d", images, weight, options);
  const Tensor y = convolve(c, x, weight, bias, options.moments);
  if (is_watched()) describe("conv2d", attributes_of(options));
  return record("conv2d", {x, weight, bias}, y,
                save(x, weight, c.activation == Activation::none ? Tensor() : y),
                [=](const Saved& s, const Tensor& dy, Want want) {
                  return convolve_backward(c, s[0], s[1], s[2], dy, want);
                });
}

Tensor unfold(const Tensor& x, Pair kernel, Pair stride, const Padding& padding, Pair dilation) {
  const AnyWindow w = make_window("unfold", x.shape(), kernel, stride, padding, dilation);
  Tensor columns = Tensor::empty({w.places(), w.patch()}, x.dtype(), x.device());
  im2col(w, x, columns);
  return record("unfold", {x}, columns, {}, [=](const Saved&, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty({w.N, w.H, w.W, w.C}, dy.dtype(), dy.device());
    col2im(w, dy, dx);
    return Grads{dx};
  });
}

Tensor fold(const Tensor& columns, const Shape& image, Pair kernel, Pair stride,
            const Padding& padding, Pair dilation) {
  const AnyWindow w = make_window("fold", image, kernel, stride, padding, dilation);
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
