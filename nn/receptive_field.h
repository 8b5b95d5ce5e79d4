// How much of an image each layer of a network sees.
#pragma once
#include <map>
#include <string>

#include "nn/module.h"

namespace tweed {

/// What a number of a map depends on: a square of pixels, and how many pixels further the square of
/// its neighbour lies. Source: Araujo et al. 2019, distill.pub/2019/computing-receptive-fields
struct ReceptiveField {
  int64_t side = 1;    ///< in pixels; may be more than the image has
  int64_t stride = 1;  ///< in pixels
  /// Nothing is known but that it is no more than the image: pixels were mixed by attention, a mean
  /// over the map, a linear layer behind a reshape.
  bool whole = false;
};

/// The receptive field of each module's output, by the module's name; a module that the input does
/// not reach has none. A map that several paths lead to has the largest. An upper bound: weights
/// that are zero see nothing. One forward pass in eval mode with zeros of the given shape, as
/// layer_costs() does.
/// @param input  (N, H, W, C)
/// @throws ShapeError  if the network does not take the shape, naming the layer
std::map<std::string, ReceptiveField> receptive_fields(Module& network, const Shape& input);

}  // namespace tweed
