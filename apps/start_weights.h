// What a run that starts from --weights takes from that file beside the weights.
#pragma once
#include <string>

#include "data/augment.h"

namespace tweed::app {

/// The model that a checkpoint of ours is of, for who gave no --model.
/// @throws Error  if the file is from elsewhere, or of a network that only a JSON file describes
std::string model_of_weights(const std::string& path);

/// How images are normalised for them: as a checkpoint of ours says, else as who published weights
/// of the model did.
Normalization normalization_of_weights(const std::string& path, const std::string& model);

}  // namespace tweed::app
