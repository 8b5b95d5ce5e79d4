// Images that lie as their first reader, a convolution, wants them.
#pragma once
#include "kernels/conv/pack_pixels.h"
#include "tensor/tensor.h"

namespace tweed {

/// An annotation of a tensor (N, H, packing.columns(W), packing.depth()): it is images
/// (N, H, W, C), packed. conv2d takes it for these; to all else it has another shape, so that
/// nobody takes its zeros for pixels.
struct PackedImages : Attachment {
  Packing packing;
  int64_t W = 0, C = 0;

  bool is_of_rows() const override { return true; }
  /// Null if x is not such a tensor.
  static std::shared_ptr<const PackedImages> of(const Tensor& x) {
    return std::dynamic_pointer_cast<const PackedImages>(x.annotation());
  }
  /// A tensor for images of that shape, packed. Elements are arbitrary.
  static Tensor empty(const Shape& images, const Packing& packing, DType dtype, Device device) {
    const int64_t W = images[2], C = images[3];
    if (packing == plain_pixels(C)) return Tensor::empty(images, dtype, device);
    auto form = std::make_shared<PackedImages>();
    form->packing = packing;
    form->W = W;
    form->C = C;
    const Shape shape{images[0], images[1], packing.columns(W), packing.depth()};
    const Tensor x = Tensor::empty(shape, dtype, device);
    x.annotate(form);
    return x;
  }
};

}  // namespace tweed
