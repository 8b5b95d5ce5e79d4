// Networks described in a JSON file, in PyTorch's class names; docs/models.md has the form.
#pragma once
#include <string>

#include "nn/models/models.h"

namespace tweed {

/// Whether a model's name is the path of a JSON file.
bool is_json_model(const std::string& name);

/// The text of a network's JSON file, which a checkpoint keeps; "" for the names of model_names().
/// @throws FormatError  if the file cannot be read
std::string model_description(const std::string& name);

/// The network that a JSON text describes.
/// @param where  what error messages call the text: the name of its file
/// @throws FormatError  naming the layer, by its place from 0 on, and the key
ModulePtr sequential_model(const std::string& where, const std::string& description,
                           const ModelOptions& options);

}  // namespace tweed
