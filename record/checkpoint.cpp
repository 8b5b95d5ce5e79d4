#include "record/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "nn/models/models.h"
#include "nn/models/sequential.h"
#include "nn/weight_limit.h"
#include "record/fit.h"

namespace tweed {
namespace {

// Moves the last axis of (A, B, B, D) to the second place, or back.
Tensor moved(const Tensor& t, bool to_file) {
  int64_t out = t.dim(0), in = to_file ? t.dim(3) : t.dim(1),
          cells = t.size() / std::max<int64_t>(1, out * in);
  Shape shape = to_file ? Shape{out, in, t.dim(1), t.dim(2)} : Shape{out, t.dim(2), t.dim(3), in};
  return with_type(t.dtype(), [&]<class T>() {
    auto from = t.to_vector<T>();
    std::vector<T> to(from.size());
    for (int64_t o = 0; o < out; ++o)
      for (int64_t i = 0; i < in; ++i)
        for (int64_t k = 0; k < cells; ++k) {
          auto file = std::size_t((o * in + i) * cells + k),
               ours = std::size_t((o * cells + k) * in + i);
          to[to_file ? file : ours] = from[to_file ? ours : file];
        }
    return Tensor::from(to, shape);
  });
}

// Names a tensor of `file` that begins with `prefix` and is not in `into`.
template <class Value>
void check_left_over(const std::string& path, const std::map<std::string, Value>& file,
                     const std::string& prefix, const std::vector<Named>& into) {
  std::set<std::string> known;
  for (auto& n : into) known.insert(prefix + n.name);
  for (auto& [name, value] : file)
    if (name.starts_with(prefix) && !known.contains(name))
      throw FormatError(path, "has a tensor " + in_quotes(name) + " that the network has not");
}

void check_names(const SafeTensorsFile& file, const std::string& prefix,
                 const std::vector<Named>& into) {
  for (auto& [name, t] : into)
    if (!file.tensors().contains(prefix + name) && !may_be_missing(name))
      throw FormatError(file.path(), "has no tensor " + in_quotes(prefix + name));
  check_left_over(file.path(), file.tensors(), prefix, into);
}

}  // namespace

Tensor to_file_axes(const Tensor& t) { return t.ndim() == 4 ? moved(t, true) : t; }
Tensor from_file_axes(const Tensor& t, const Shape& network) {
  if (our_shape(t.shape(), network) == t.shape() && t.ndim() != 4) return t;
  return moved(t.ndim() == 4 ? t : t.reshape({t.dim(0), t.dim(1), 1, t.dim(2)}), false);
}

std::map<std::string, Tensor> tensors_for_file(const Module& network) {
  std::map<std::string, Tensor> tensors;
  const auto without_rows = network.without_rows();
  for (auto& [name, t] : network.state()) {
    const Tensor turned = to_file_axes(t);
    tensors[name] = without_rows.contains(name)
                        ? turned.reshape({turned.dim(0), turned.dim(1), turned.dim(3)})
                        : turned;
  }
  return tensors;
}

SafeTensors content_of(const Module& network, const CheckpointInfo& info, WeightsAs as) {
  SafeTensors file;
  file.tensors = tensors_for_file(network);
  file.metadata = metadata_of(info);
  if (as == WeightsAs::half)
    for (auto& [name, t] : network.parameters()) file.halves.insert(name);
  return file;
}

void save_checkpoint(const std::string& path, const Module& network, const CheckpointInfo& info,
                     WeightsAs as) {
  write_safetensors(path, content_of(network, info, as));
}

void load_tensors(const std::string& path, const SafeTensors& file,
                  const std::vector<Named>& into) {
  for (auto& [name, t] : into) {
    auto found = file.tensors.find(name);
    if (found == file.tensors.end() && may_be_missing(name)) continue;
    if (found == file.tensors.end()) throw FormatError(path, "has no tensor " + in_quotes(name));
    const Tensor& theirs = found->second;
    check_kind(path, name, our_shape(theirs.shape(), t.shape()), is_floating(theirs.dtype()), t);
    t.copy_from(from_file_axes(theirs, t.shape()));
  }
  check_left_over(path, file.tensors, "", into);
}

void check_finite(const std::string& path, const std::vector<Named>& tensors) {
  for (auto& [name, t] : tensors) {
    if (!is_floating(t.dtype())) continue;
    const auto values = t.to_doubles();
    auto wrong =
        std::find_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); });
    if (wrong != values.end())
      throw FormatError(path, in_quotes(name) + " has " +
                                  (std::isnan(*wrong) ? "NaN" : "infinity") +
                                  " among its weights, so the network computes nothing");
  }
}

Checkpoint load_checkpoint(const std::string& path, const std::string& prefix) {
  const SafeTensorsFile file(path);
  Checkpoint checkpoint;
  checkpoint.info = read_info(file);
  const CheckpointInfo& info = checkpoint.info;
  try {
    const WeightLimit limit(most_weights_for(file), "the file");
    const ModelOptions options{.classes = int64_t(info.classes.size()),
                               .image_size = info.image_size};
    // Rebuilt from the file alone: no JSON file that happens to lie about is read.
    checkpoint.network = is_json_model(info.model)
                             ? sequential_model(info.model, info.description, options)
                             : make_model(info.model, options);
  } catch (const Error& e) {
    throw FormatError(path, e.what());
  }
  const auto state = checkpoint.network->state();
  check_names(file, prefix, state);
  copy_tensors(file, prefix, state);
  checkpoint.network->eval();
  return checkpoint;
}

}  // namespace tweed
