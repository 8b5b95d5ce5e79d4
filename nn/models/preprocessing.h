// How images are prepared for a network whose weights come without saying so.
#pragma once
#include <string>

#include "data/augment.h"

namespace tweed {

/// What stands between a photo and a network: RGB pixels in 0..1, resized, cut and normalised.
/// Those that hold nothing else are torchvision's for ImageNet.
struct Preprocessing {
  int resize = 256;             ///< pixels to which the shorter side is resized
  int crop = 224;               ///< pixels of the square that is then cut from the middle
  Normalization normalization;  ///< by default with ImageNet's mean and deviation
  /// Whether who trained the network's weights has said so; otherwise it is a guess.
  bool published = false;
};

/// That of a network under its name in make_model(); ImageNet's as a guess for JSON files and for
/// what was registered without.
Preprocessing preprocessing_of(const std::string& model);

}  // namespace tweed
