// TinyPlaces: drawn scenes of ten kinds, a data set that needs no download.
//
// Each image is drawn from random numbers: what kind of scene it is decides its structure; layout,
// light, colours, weather, camera and noise vary within a kind and overlap between kinds. The
// categories carry names of MiniPlaces, so that a network can be tried on photos of the same ones.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace tweed {

/// The ten class names in label order.
const std::vector<std::string>& tiny_places_classes();

/// The scene number `index` of a class, drawn at size x size. What it shows depends on (seed,
/// validation, label, index) alone; the size only decides how finely it is drawn.
///
/// @throws ShapeError  if label is not 0...9 or size is below 8
Image draw_tiny_place(int label, int64_t index, bool validation, uint64_t seed, int size);

/// The list of scenes of a split, class by class: "tiny/train/bridge/17". draw_tiny_place() draws
/// what is named.
Listing list_tiny_places(int64_t train, int64_t validation);
/// Draws a scene by its name in the listing.
Image draw_tiny_place(const Sample& sample, uint64_t seed, int size);

}  // namespace tweed
