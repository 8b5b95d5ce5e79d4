// The graph behind a result as a picture that any browser shows: SVG.
#pragma once
#include <string>

#include "nn/module.h"

namespace tweed {

/// Draws what backward(y) would walk: each operation with the shape of its result and what it keeps
/// for the way back, and the leaves, from the inputs at the top down to y.
///
///   std::ofstream("graph.svg") << draw_graph(loss, &network);
///
/// @param network  gives parameters and layers their names; may be null
/// @throws Error   if y was not recorded
std::string draw_graph(const Tensor& y, Module* network = nullptr);

/// Draws how a network computes: its operations from an image to the answers, without parameters,
/// with the names of the layers. One forward pass in eval mode with zeros of the given shape.
/// @throws ShapeError  if the network does not take the shape, naming the layer
std::string draw_network(Module& network, const Shape& input);

}  // namespace tweed
