// Initial weights of a whole network, by a scheme's name.
#pragma once
#include <string>
#include <vector>

#include "nn/module.h"

namespace tweed {

/// Draws the weights of all linear layers and convolutions anew, and zeroes their biases. Norms,
/// positions and running statistics stay as they are.
///
///   kaiming      kaiming_normal, for the size of activations through ReLU (Fan::in)
///   xavier       xavier_uniform
///   orthogonal   orthogonal_init with a gain of sqrt(2), for ReLU
///
/// @param scheme  one of init_schemes(); @param seed  the same weights for the same seed
/// @throws Error  "there are no initial weights 'he'; there are kaiming, xavier, orthogonal"
void initialize_weights(Module& network, const std::string& scheme, uint64_t seed);
std::vector<std::string> init_schemes();

}  // namespace tweed
