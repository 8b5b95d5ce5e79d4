// What the methods of explain/ can be told.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "explain/score.h"

namespace tweed {

/// Each method takes what it needs of it.
struct ExplainOptions {
  std::optional<ClassScore> score;  ///< unset: the method's own
  std::string layer;                ///< of Grad-CAM; empty: the last that gives a map
  int64_t steps = 50;               ///< of integrated gradients, between baseline and image
  int64_t samples = 50;             ///< of SmoothGrad
  double noise = 0.15;  ///< its standard deviation, as a part of the image's range of values
  uint64_t seed = 0;    ///< of that noise
  int64_t window = 0;   ///< of occlusion, in pixels; 0: an eighth of the shorter side
  int64_t stride = 0;   ///< from one window to the next; 0: half a window
  /// What stands for "nothing there", in the images' normalised space: broadcasts to (1, H, W, C).
  /// Undefined: zeros, which is the mean colour.
  Tensor baseline = {};
  int64_t at_once = 16;  ///< images that go through the network together: bounds the memory
  /// Asked between passes of a method that needs many; once it says true, the map is worthless.
  std::function<bool()> cancelled = {};

  bool stopped() const { return cancelled && cancelled(); }
};

}  // namespace tweed
