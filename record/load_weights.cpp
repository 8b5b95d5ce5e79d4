// Weights that others have trained.
#include <algorithm>
#include <filesystem>
#include <optional>

#include "nn/models/models.h"
#include "nn/models/sequential.h"
#include "nn/weight_limit.h"
#include "record/checkpoint.h"
#include "record/fit.h"

namespace tweed {
namespace {

bool is_missing(const TensorFile& file, const std::string& name) {
  return !file.tensors().contains(name) && !may_be_missing(name);
}

// What stands before all names of a network in the file: "" or, say, "module.".
std::string prefix_of(const TensorFile& file, const std::vector<Named>& names) {
  const auto fits = [&](const std::string& prefix) {
    return std::none_of(names.begin(), names.end(),
                        [&](const Named& n) { return is_missing(file, prefix + n.name); });
  };
  if (fits("")) return "";
  const std::string end = "." + names.front().name;
  for (auto& [name, entry] : file.tensors())
    if (name.ends_with(end))
      if (const std::string prefix = name.substr(0, name.size() - end.size() + 1); fits(prefix))
        return prefix;
  return "";
}

[[noreturn]] void fail_missing(const TensorFile& file, const std::string& name,
                               const std::string& model) {
  const std::string there = file.tensors().empty()
                                ? "it has none"
                                : "its first is " + in_quotes(file.tensors().begin()->first, 80);
  throw FormatError(file.path(), "has no tensor " + in_quotes(name) + " (" + there +
                                     "), so it is not for " + printable(model));
}

// The number of classes, from the last layer's bias or weights.
int64_t classes_of(const TensorFile& file, const std::string& last) {
  const Shape& shape = file.tensors().at(last).shape;
  if (shape.ndim() < 1 || shape[0] < 1)
    throw FormatError(file.path(), in_quotes(last) + " is " + shape.str() +
                                       ": a last layer without classes names nothing");
  return shape[0];
}

std::vector<std::string> notes_on(const TensorFile& file, const std::string& prefix,
                                  const std::vector<Named>& used) {
  std::vector<std::string> notes;
  if (!prefix.empty())
    notes.push_back("the names in the file begin with " + in_quotes(prefix) +
                    ", which was taken off");
  std::vector<std::string> names;
  for (auto& n : used) names.push_back(prefix + n.name);
  std::sort(names.begin(), names.end());
  std::string first;
  std::size_t extra = 0;
  for (auto& [name, entry] : file.tensors())
    if (!std::binary_search(names.begin(), names.end(), name) && extra++ == 0) first = name;
  if (extra == 1) notes.push_back("the network has no use for the tensor " + in_quotes(first));
  if (extra > 1)
    notes.push_back("the network has no use for " + std::to_string(extra) +
                    " of the file's tensors, such as " + in_quotes(first));
  return notes;
}

// The network before its number of classes is known: for its names.
ModulePtr outline(const TensorFile& file, const std::string& model) {
  std::optional<WeightLimit> limit;  // only a description can ask for anything
  if (is_json_model(model)) limit.emplace(most_weights_for(file), printable(file.path()));
  return make_model(model, {.classes = 1});
}

ModulePtr network_for(const TensorFile& file, const std::string& model, int64_t classes,
                      int image_size) {
  const WeightLimit limit(most_weights_for(file), printable(file.path()));
  return make_model(model, {.classes = classes, .image_size = image_size});
}

}  // namespace

Checkpoint load_weights(const std::string& path, const std::string& model) {
  const auto opened = open_tensors(path);
  const TensorFile& file = *opened;
  const auto parameters = outline(file, model)->parameters();
  if (parameters.empty()) throw Error("the model " + printable(model) + " has no weights to load");
  const std::string prefix = prefix_of(file, parameters);
  for (auto& [name, t] : parameters)
    if (is_missing(file, prefix + name)) fail_missing(file, name, model);
  const int64_t classes = classes_of(file, prefix + parameters.back().name);

  Checkpoint checkpoint;
  checkpoint.info.model = std::filesystem::path(model).filename().string();
  checkpoint.info.description = model_description(model);
  const Preprocessing expected = preprocessing_of(model);
  checkpoint.info.image_size = expected.crop;
  checkpoint.info.load_size = expected.resize;
  checkpoint.info.mean = expected.normalization.mean;
  checkpoint.info.std = expected.normalization.std;
  for (int64_t i = 0; i < classes; ++i) checkpoint.info.classes.push_back(std::to_string(i));
  checkpoint.network = network_for(file, model, classes, expected.crop);
  const auto state = checkpoint.network->state();
  for (auto& [name, t] : state)
    if (is_missing(file, prefix + name)) fail_missing(file, name, model);
  copy_tensors(file, prefix, state);
  checkpoint.notes = notes_on(file, prefix, state);
  if (const std::string note = file.note(); !note.empty())
    checkpoint.notes.insert(checkpoint.notes.begin(), note);
  checkpoint.network->eval();
  return checkpoint;
}

}  // namespace tweed
