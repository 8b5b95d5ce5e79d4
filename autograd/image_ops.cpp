#include "autograd/image_ops.h"

#include <cmath>
#include <numbers>

#include "autograd/dispatch.h"
#include "autograd/matmul.h"
#include "kernels/resample.h"

namespace tweed {
namespace {

void check_images(const char* op, const Tensor& x) {
  if (x.ndim() != 4) fail(op, "needs (N, H, W, C), x is ", x.shape());
}

}  // namespace

Tensor crop(const Tensor& x, int64_t top, int64_t left, int64_t height, int64_t width) {
  check_images("crop", x);
  if (top < 0 || left < 0 || height < 0 || width < 0 || top + height > x.dim(1) ||
      left + width > x.dim(2))
    fail("crop", height, " x ", width, " at (", top, ", ", left, ") of ", x.shape());
  return slice(slice(x, 1, top, top + height), 2, left, left + width);
}

Tensor rotate(const Tensor& x, double degrees) {
  check_images("rotate", x);
  if (!std::isfinite(degrees)) fail("rotate", "by ", degrees, " degrees");
  const double angle = degrees * std::numbers::pi / 180;
  const Rotation rotation = {x.dim(0), x.dim(1),        x.dim(2),
                             x.dim(3), std::cos(angle), std::sin(angle)};
  Tensor y = Tensor::empty_like(x);
  dispatch("rotate", x,
           [&]<class T>(auto& here) { rotate_forward(here, rotation, x.read<T>(), y.write<T>()); });
  return record("rotate", {x}, y, {}, [=](const Saved&, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty_like(dy);
    dispatch("rotate", dy, [&]<class T>(auto& here) {
      rotate_backward(here, rotation, dy.read<T>(), dx.write<T>());
    });
    return Grads{dx};
  });
}

Tensor grey(const Tensor& x) {
  check_images("grey", x);
  if (x.dim(3) != 3) fail("grey", "needs 3 channels, x is ", x.shape());
  const std::vector<double> parts = {0.299, 0.299, 0.299, 0.587, 0.587, 0.587, 0.114, 0.114, 0.114};
  return matmul(x, Tensor::from(parts, {3, 3}).to(x.dtype()).to(x.device()));
}

}  // namespace tweed
