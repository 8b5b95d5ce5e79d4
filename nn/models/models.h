// The networks by name.
#pragma once
#include <string>
#include <vector>

#include "nn/module.h"

namespace tweed {

/// What a network is made for.
struct ModelOptions {
  int64_t classes = 100;
  uint64_t seed = 0;  ///< of the initial weights
};

/// A network that maps images (N, H, W, 3) to logits (N, classes).
/// @param name  one of model_names()
/// @throws Error  naming what there is
ModulePtr make_model(const std::string& name, const ModelOptions& options);
std::vector<std::string> model_names();

/// Seven convolutions, global average pooling and one linear layer; 365,028 parameters with 100
/// classes. See simplenet.cpp.
ModulePtr simplenet(const ModelOptions& options);
/// The same with batch norm after each convolution, and Dropout2d.
ModulePtr simplenet_bn(const ModelOptions& options);

}  // namespace tweed
