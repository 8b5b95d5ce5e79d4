// The names that a pickle of torch.save may have, and what calling each comes to.
#pragma once
#include <string>
#include <vector>

#include "record/torch/unpickle.h"

namespace tweed {

/// Whether "module.name" may stand in a pickle.
bool is_known_name(const std::string& name);
/// The dtype of "torch.FloatStorage" or "torch.float32", as safetensors call it; "" for others.
std::string dtype_of_storage(const std::string& name);
std::string dtype_of_torch(const std::string& name);

/// Sets `result` to what a known name gives for arguments. "" if it does, else what is wrong.
std::string call_known(const std::string& name, const std::vector<PickleValue*>& arguments,
                       PickleValue& result);
/// Sets `result` to the storage that a persistent id names. "" or what is wrong.
std::string find_storage(const PickleValue& id, PickleValue& result);

}  // namespace tweed
