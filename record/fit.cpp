#include "record/fit.h"

#include "record/checkpoint.h"

namespace tweed {

Shape our_shape(const Shape& s, const Shape& network) {
  if (s.ndim() == 4) return {s[0], s[2], s[3], s[1]};
  if (s.ndim() == 3 && network.ndim() == 4 && network[1] == 1) return {s[0], 1, s[2], s[1]};
  return s;
}

void check_kind(const std::string& path, const std::string& name, const Shape& file, bool floating,
                const Tensor& network) {
  if (file != network.shape())
    throw FormatError(path, in_quotes(name) + " is " + file.str() + ", the network's is " +
                                network.shape().str());
  if (floating != is_floating(network.dtype()))
    throw FormatError(path, in_quotes(name) + " is of " + (floating ? "floating" : "whole") +
                                " numbers, the network's is not");
}

void copy_tensors(const TensorFile& file, const std::string& prefix,
                  const std::vector<Named>& into) {
  std::vector<std::pair<std::string, Tensor>> found;
  for (auto& [name, t] : into)
    if (file.tensors().contains(prefix + name)) found.emplace_back(prefix + name, t);
  for (auto& [name, t] : found) {
    const TensorFile::Entry& entry = file.tensors().at(name);
    // F32, F64, F16, F8_E4M3, BF16
    const bool floating = entry.dtype.starts_with("F") || entry.dtype.starts_with("BF");
    check_kind(file.path(), name, our_shape(entry.shape, t.shape()), floating, t);
  }
  for (auto& [name, t] : found) t.copy_from(from_file_axes(file.read(name), t.shape()));
  check_finite(file.path(), into);
}

int64_t most_weights_for(const TensorFile& file) { return 2 * file.elements() + (1 << 20); }

}  // namespace tweed
