// A network's last layer, which tells its classes apart, and the rest below it.
#pragma once
#include <string>

#include "nn/module.h"

namespace tweed {

/// The name of the layer that owns the network's last parameter: "fc", "classifier.1".
/// @throws Error  if the network has no parameters
std::string head_name(const Module& network);

/// Takes all parameters but those of the head out of training (see freeze()), and has batch norms
/// normalise by their running statistics and leave them alone: what the head sees of an image stays
/// what it was.
void freeze_body(Module& network);

}  // namespace tweed
