// How the images of a batch are made for a network.
#pragma once
#include "data/feed.h"
#include "nn/module.h"

namespace tweed {

/// As the network's first layer reads them, with no further pass over them: in its dtype, packed if
/// it is a convolution that wants that. For images that are given to the network alone.
/// @param images  (N, H, W, 3), as the network is called with them
inline ImageForm image_form(const Module& network, const Shape& images) {
  if (network.dtype() != DType::bfloat16 && network.dtype() != DType::float32) return {};
  return {network.dtype(), network.image_packing(images)};
}

}  // namespace tweed
