// Weights files of other kinds than ours: what they are, and how they become safetensors.
#pragma once
#include <string>
#include <string_view>

namespace tweed {

/// What to tell about a file that is no safetensors file: "is no safetensors file: it is a file of
/// PyTorch's torch.save. This makes one of it: python3 -c ..."; "" if nothing is known.
/// @param head  the file's first bytes; 1024 are enough
std::string foreign_weights(const std::string& path, std::string_view head);

}  // namespace tweed
