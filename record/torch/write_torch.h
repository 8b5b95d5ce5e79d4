// Writing files that PyTorch's torch.load takes.
#pragma once
#include <string>

#include "record/safetensors.h"

namespace tweed {

/// Writes the tensors as torch.save writes a state dict: a zip archive with a pickle of plain
/// tensors, which torch.load(weights_only=True) reads and load_state_dict() takes. The metadata is
/// left out: the pickle holds nothing but tensors.
/// @throws Error  "PATH: cannot be written: REASON", as write_safetensors() does; for more than
///                4 GiB, which would need an archive of another form
void write_torch(const std::string& path, const SafeTensors& content);

}  // namespace tweed
