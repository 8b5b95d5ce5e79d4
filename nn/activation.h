// Activations as modules, under PyTorch's class names.
#pragma once
#include <string>
#include <vector>

#include "nn/module.h"

namespace tweed {

/// A module without state that applies a function of autograd/functions.h with its defaults.
/// @param name  one of activation_names(), such as "ReLU" or "Mish"
/// @throws Error  naming what there is
ModulePtr make_activation(const std::string& name);
std::vector<std::string> activation_names();

}  // namespace tweed
