// Images that a network takes for what one wants it to: ascent on one class's probability.
#pragma once
#include <optional>

#include "attacks/pgd.h"

namespace tweed {

struct FoolOptions {
  AttackSpace space;  ///< see pixel_space(): how far pixels may go, and a step
  bool sign = false;  ///< each step changes every pixel by space.step, whatever the gradient's size
  /// If set, X' += lambda dP/dX' with X in pixels of 0..1. Otherwise lambda is chosen anew for each
  /// image and step, so that the pixel that changes most changes by space.step: P of a class that
  /// a network holds for impossible has a gradient of nearly nothing.
  std::optional<double> lambda;
  int steps = 100;
  double until = 1;  ///< an image is done when its target is as probable
  /// The network sees, and is judged by, images of 8 bits a channel, as a file keeps them. What is
  /// lost by rounding is kept for the next step.
  bool eight_bits = false;
  /// Asked before each step; true ends the work there.
  std::function<bool()> cancelled = {};
};

struct Fooled {
  Tensor images;                    ///< (N, H, W, 3): of all steps those with the likeliest targets
  std::vector<double> probability;  ///< of each image's target
  std::vector<int> steps;           ///< that each image took until then
};

/// Changes images until the network takes them for their targets. Each step goes up the gradient of
/// the target's probability P with respect to the image, and back to the box of `space`:
///
///   X' <- clip(X' + lambda dP/dX', X - eps, X + eps)          or, by sign,
///   X' <- clip(X' + step sign(dP/dX'), X - eps, X + eps)
///
/// The network is in eval mode meanwhile, and only the input's gradient is computed.
///
/// @param x        (N, H, W, 3), float32, normalised, on the network's device
/// @param targets  (N), int32
/// Source: Szegedy et al. 2014, arXiv:1312.6199, by the steps of Kurakin et al. 2017,
/// arXiv:1607.02533; Nguyen et al. 2015, arXiv:1412.1897, for going on until a network is sure.
Fooled fool(Module& network, const Tensor& x, const Tensor& targets, const FoolOptions& options);

}  // namespace tweed
