// Feature maps: what the channels of a layer make of an image.
#pragma once
#include <string>
#include <vector>

#include "data/image.h"
#include "nn/module.h"

namespace tweed {

struct FeatureMap {
  int64_t channel;
  double least, largest;  ///< its values
  Image image;  ///< h x w, grey: least is black, largest white; the same everywhere is black
};

/// The channels of a layer that tell places of an image apart most, by the variance of their
/// values, the largest first.
///
/// @param x      (1, H, W, C)
/// @param layer  gives a map or tokens (see as_map()); @throws Error  listing those that do
/// @param count  how many; all if there are fewer
/// The kind of picture: Zeiler, Fergus 2013, arXiv:1311.2901
std::vector<FeatureMap> feature_maps(Module& network, const Tensor& x, const std::string& layer,
                                     int64_t count);

/// An early, a middle and a late layer: the first, the middle one and the last of those that give
/// maps. Fewer if there are fewer.
std::vector<std::string> early_middle_late(Module& network, const Tensor& x);

}  // namespace tweed
