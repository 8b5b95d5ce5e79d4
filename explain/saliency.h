// Gradient saliency: which pixels a network's decision depends on.
#pragma once
#include "data/image.h"
#include "explain/score.h"

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

/// The input times the gradient of the score: how much of a score that were linear each value
/// gives.
///
/// @return  x's shape, signed
/// Source: Shrikumar, Greenside, Shcherbina, Kundaje 2016, arXiv:1605.01713
Tensor input_x_gradient(Module& network, const Tensor& x, const Tensor& targets,
                        ClassScore score = ClassScore::logit);

/// (N, H, W, C) as a map (N, H, W): the largest absolute value over channels, or their sum, which
/// keeps the sign.
Tensor largest_of_channels(const Tensor& t);
Tensor sum_of_channels(const Tensor& t);

/// The coursework's drawing: pixels whose saliency is above `times` the image's mean turn red.
///
/// @param map  (H, W) or (1, H, W), of the same size as `image`
Image saliency_overlay(const Image& image, const Tensor& map, double times = 2);

}  // namespace tweed
