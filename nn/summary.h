// The table of a network: what each layer gives, and what it costs.
#pragma once
#include "nn/module.h"

namespace tweed {

/// A layer's part in one forward pass.
struct LayerCost {
  std::string name;           ///< "layer1.0.conv2"; "" is the network itself
  std::string type;           ///< "Conv2d"
  Shape input, output;        ///< of its last call
  int64_t parameters = 0;     ///< its own
  int64_t multiply_adds = 0;  ///< of all its calls; convolutions and linear layers are counted
  int64_t bytes = 0;          ///< of the outputs of all its calls
  int64_t calls = 0;
};

/// The cost of each module that computes something itself, in order of registration: those without
/// children, and others that have parameters or multiply-adds of their own. One forward pass in
/// eval mode with zeros of the given shape, where and in the type in which the parameters are.
/// @throws ShapeError  if the network does not take the shape, naming the layer
std::vector<LayerCost> layer_costs(Module& network, const Shape& input);

/// layer_costs() as a text table with totals. Where a row would be wider than `width`, columns are
/// left out, and a line says which; 0: any width.
std::string summary(Module& network, const Shape& input, int width = 0);

}  // namespace tweed
