#include "nn/containers.h"

#include "autograd/elementwise.h"
#include "autograd/shape_ops.h"

namespace tweed {

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (auto& m : modules_) y = (*m)(y);
  return y;
}

Packing Sequential::image_packing(const Shape& images) const {
  return modules_.empty() ? Module::image_packing(images) : modules_[0]->image_packing(images);
}

Residual::Residual(Sequential layers) : layers_(add_child("layers", std::move(layers))) {}
Residual::Residual(Sequential layers, Sequential shortcut) : Residual(std::move(layers)) {
  shortcut_ = add_child("shortcut", std::move(shortcut));
}
Tensor Residual::forward(const Tensor& x) {
  const Tensor y = (*layers_)(x), beside = shortcut_ ? (*shortcut_)(x) : x;
  if (y.shape() != beside.shape() && shortcut_)
    fail("residual", "layers give ", y.shape(), ", the shortcut gives ", beside.shape());
  if (y.shape() != beside.shape())
    fail("residual", "layers give ", y.shape(), ", the input is ", x.shape(),
         ": they need a shortcut");
  return beside + y;
}

Tensor Concat::forward(const Tensor& x) {
  std::vector<Tensor> parts;
  for (auto& branch : modules_) parts.push_back((*branch)(x));
  return concat(parts, -1);
}

}  // namespace tweed
