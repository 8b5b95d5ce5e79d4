// SmoothGrad and VarGrad: gradients of many noisy copies of an image.
#pragma once
#include <functional>

#include "explain/options.h"

namespace tweed {

/// Over the noisy copies, value by value.
struct GradientMoments {
  Tensor mean;      ///< x's shape: SmoothGrad
  Tensor variance;  ///< x's shape, mean square of the distance from the mean: VarGrad
};

/// Noise for copies [first, first + count) of an image: (count, H, W, C).
using NoiseSource = std::function<Tensor(int64_t image, int64_t first, int64_t count)>;

/// Normal noise whose standard deviation is options.noise times the difference of the image's
/// largest and smallest value. It depends on options.seed, image and copy alone: the same on every
/// device and for any options.at_once.
NoiseSource normal_noise(const Tensor& x, const ExplainOptions& options);

/// Mean and variance of the score's gradient over options.samples copies of each image,
/// options.at_once of them in memory together.
///
/// @param x        (N, H, W, C)
/// @param targets  (N), int32
/// @param noise    unset: normal_noise()
/// Source: Smilkov, Thorat, Kim, Viegas, Wattenberg 2017, arXiv:1706.03825 (SmoothGrad); Adebayo,
/// Gilmer, Goodfellow, Kim 2018, arXiv:1810.03307 (VarGrad)
GradientMoments smooth_gradients(Module& network, const Tensor& x, const Tensor& targets,
                                 const ExplainOptions& options = {}, NoiseSource noise = {});

}  // namespace tweed
