// Class models: an image that a network takes for a class, made by going up that class's score.
#pragma once
#include <functional>

#include "nn/module.h"

namespace tweed {

struct ClassModelOptions {
  int64_t height = 0, width = 0;  ///< pixels of the image
  int steps = 200;
  /// Of each step, the root mean square of the change in normalised values: steps have the same
  /// size whatever the gradient's.
  double rate = 0.1;
  double decay = 0.01;  ///< the part of the image that each step takes off: prefers the mean colour
  int jitter = 4;       ///< pixels that the image is shifted by at random before each step
  int blur_every = 4;   ///< steps between two blurs by 3 x 3 pixels; 0: none
  Tensor low = {}, high = {};  ///< bounds of each channel, (3), in normalised values; or undefined
  uint64_t seed = 0;
  std::function<bool()> cancelled = {};
};

/// Starts at the mean colour with a little noise and goes up the logit of `target`. Without decay,
/// jitter and blur it would end in high frequencies that no photo has, and that the network has
/// never seen.
///
/// @return  (1, height, width, 3), in the network's normalised space and on its device
/// Source: Simonyan, Vedaldi, Zisserman 2013, arXiv:1312.6034 (ascent, decay); Yosinski, Clune,
/// Nguyen, Fuchs, Lipson 2015, arXiv:1506.06579 (blur); Mordvintsev, Olah, Tyka 2015,
/// "Inceptionism" (jitter)
Tensor class_model(Module& network, int32_t target, const ClassModelOptions& options);

}  // namespace tweed
