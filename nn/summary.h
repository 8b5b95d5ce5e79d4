// The table of a network: what each layer gives, and what it costs.
#pragma once
#include <map>
#include <string>
#include <vector>

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

/// Seconds of each module in a forward pass, by name, without those of its children: the medians of
/// some passes like that of layer_costs(), after one that is not counted.
std::map<std::string, double> layer_seconds(Module& network, const Shape& input, int passes = 5);

/// layer_costs() as a text table with totals, for images with receptive fields (receptive_field.h;
/// "all" is the whole image) and each layer's shares of bytes and time in per cent. On a device
/// that is only simulated time says nothing, and is left out. Where a row would be wider than
/// `width`, columns are left out, and a line says which; 0: any width.
std::string summary(Module& network, const Shape& input, int width = 0);

}  // namespace tweed
