// Parameters by name pattern: which of them are trained.
#pragma once
#include <string>

#include "nn/module.h"

namespace tweed {

/// Whether a name fits a pattern of the shell: * is any text, dots too, ? any character, [ab] one
/// of several. "layer1.*", "*.bias".
bool matches(const std::string& name, const std::string& pattern);

/// Takes parameters out of training: no gradient is computed for them, a ParameterBuffer made
/// afterwards passes over them, and checkpoints hold them as before. Running statistics of batch
/// norm are no parameters and follow train() and eval(). Do it before the first forward pass.
///
/// @return  how many parameters (tensors) fit the pattern
/// @throws Error  if none does
int freeze(const Module& network, const std::string& pattern);
/// Takes them in again.
int unfreeze(const Module& network, const std::string& pattern);

}  // namespace tweed
