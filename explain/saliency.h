// Gradient saliency: which pixels a network's decision depends on.
#pragma once
#include "data/image.h"
#include "nn/module.h"

namespace tweed {

struct Saliency {
  Tensor logits;     ///< (N, classes)
  Tensor predicted;  ///< (N), int32, the class with the largest logit
  Tensor map;        ///< (N, H, W), the largest absolute gradient over channels
};

/// The absolute gradient of the cross-entropy on the predicted label with respect to the input,
/// maximum over channels; one pass back, to the input only.
///
/// @param network  in eval mode while this runs; its mode is restored
/// @param x        (N, H, W, 3), normalised images on the network's device
/// Source: Simonyan, Vedaldi, Zisserman 2013, arXiv:1312.6034; the coursework's variant takes the
/// loss instead of the score.
Saliency saliency(Module& network, const Tensor& x);

/// The coursework's drawing: pixels whose saliency is above `times` the image's mean turn red.
///
/// @param map  (H, W) or (1, H, W), of the same size as `image`
Image saliency_overlay(const Image& image, const Tensor& map, double times = 2);

}  // namespace tweed
