// Images that lie as conv2d wants them: for those who make images, and hand them to it alone.
#pragma once
#include "autograd/conv.h"
#include "tensor/packed_images.h"

namespace tweed {

/// How conv2d(images, weight, bias, options) wants its images to lie for both passes that read
/// them; plainly, where these do not agree or images are none that it takes. Whoever makes images
/// for it alone makes them so: see PackedImages.
/// @param images  (N, H, W, C)
Packing wanted_packing(const Shape& images, const Tensor& weight, const ConvOptions& options);
/// The images (N, H, W, C) that PackedImages are; other tensors as they are.
Tensor unpacked(const Tensor& x);

}  // namespace tweed
