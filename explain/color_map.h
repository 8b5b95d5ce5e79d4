// Maps as pictures: colours whose brightness grows evenly, and overlays on the image.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "data/image.h"
#include "tensor/tensor.h"

namespace tweed {

/// A way to colour a map. All but red give equal steps of the map equal steps of lightness, as the
/// eye sees it, and can be read in print and by the colour-blind.
enum class Colors {
  red,     ///< the coursework's: what is above twice the mean, on the image
  grey,    ///< black to white
  dusk,    ///< dark violet over teal to yellow
  ember,   ///< black over red to light yellow
  signed_  ///< blue below 0, white at 0, red above
};
std::vector<std::string> color_names();
/// From "red", ..., "signed". @throws Error  naming what there is
Colors parse_colors(const std::string& name);

/// The colour of a value: 0 to 1, or -1 to 1 for signed_. Computed in OKLab, but for grey, at
/// evenly spaced lightness and hue, as colourful as sRGB allows up to a bound.
/// Source of OKLab: Ottosson 2020, "A perceptual color space for image processing"
std::array<uint8_t, 3> color_of(double value, Colors colors);

/// A map's values as fractions: 1 is the value that one in 200 exceeds, where it is cut off.
/// Without `keep_sign` absolute values count, and the least becomes 0. A map of equal values is all
/// 0.
std::vector<double> as_fractions(const Tensor& map, bool keep_sign);

/// A map (H, W) as a picture of H x W pixels; red is drawn as grey.
Image draw_map(const Tensor& map, Colors colors);
/// The same over a pale grey image, through which more is seen where the map is low. With red, see
/// saliency_overlay(): absolute values count.
Image map_overlay(const Image& image, const Tensor& map, Colors colors);

}  // namespace tweed
