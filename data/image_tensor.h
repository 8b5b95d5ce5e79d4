// An image as a network takes it.
#pragma once
#include "data/augment.h"
#include "tensor/tensor.h"

namespace tweed {

/// (1, H, W, 3), float32, normalised.
Tensor to_tensor(const Image& image, const Normalization& by = {}, Device device = {});

}  // namespace tweed
