// Weights that others have trained.
#include <algorithm>
#include <filesystem>
#include <optional>

#include "nn/head.h"
#include "nn/models/models.h"
#include "nn/models/sequential.h"
#include "nn/weight_limit.h"
#include "record/checkpoint.h"
#include "record/fit.h"
#include "record/match.h"

namespace tweed {
namespace {

// The number of classes, from the last layer's bias or weights.
int64_t classes_of(const TensorFile& file, const std::string& last) {
  const Shape& shape = file.tensors().at(last).shape;
  if (shape.ndim() < 1 || shape[0] < 1)
    throw FormatError(file.path(), in_quotes(last) + " is " + shape.str() +
                                       ": a last layer without classes names nothing");
  return shape[0];
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

CheckpointInfo info_of_foreign(const std::string& model, int64_t classes) {
  CheckpointInfo info;
  info.model = std::filesystem::path(model).filename().string();
  info.description = model_description(model);
  const Preprocessing expected = preprocessing_of(model);
  info.image_size = expected.crop;
  info.load_size = expected.resize;
  info.mean = expected.normalization.mean;
  info.std = expected.normalization.std;
  for (int64_t i = 0; i < classes; ++i) info.classes.push_back(std::to_string(i));
  return info;
}

// What is to be said of a file whose tensors were used.
std::vector<std::string> notes_on(const TensorFile& file, const Match& match) {
  std::vector<std::string> notes = match.notes();
  if (const std::string note = file.note(); !note.empty()) notes.insert(notes.begin(), note);
  return notes;
}

// Takes what belongs to a layer out of a match, and returns the classes that the file has for it.
int64_t leave_out(const std::string& layer, const TensorFile& file, Match& match) {
  const auto of_layer = [&](const std::string& name) { return name.starts_with(layer + "."); };
  int64_t classes = 0;
  for (auto& [name, entry] : file.tensors())
    if (name.starts_with(match.prefix + layer + ".") && entry.shape.ndim() > 0)
      classes = entry.shape[0];
  std::erase_if(match.missing, of_layer);
  std::erase_if(match.different, [&](auto& d) { return of_layer(d.name); });
  std::erase_if(match.alike, [&](auto& n) { return of_layer(n.name); });
  return classes;
}

}  // namespace

Checkpoint load_weights(const std::string& path, const std::string& model) {
  const auto opened = open_tensors(path);
  const TensorFile& file = *opened;
  const auto parameters = outline(file, model)->parameters();
  if (parameters.empty()) throw Error("the model " + printable(model) + " has no weights to load");
  const Match named = match_tensors(file, parameters);
  const std::string last = named.prefix + parameters.back().name;
  if (!file.tensors().contains(last)) check_complete(file, named, model);
  const int64_t classes = classes_of(file, last);

  Checkpoint checkpoint;
  checkpoint.info = info_of_foreign(model, classes);
  checkpoint.network = network_for(file, model, classes, checkpoint.info.image_size);
  const auto state = checkpoint.network->state();
  const Match match = match_tensors(file, state);
  check_complete(file, match, model);
  copy_tensors(file, match.prefix, state);
  checkpoint.notes = notes_on(file, match);
  checkpoint.network->eval();
  return checkpoint;
}

std::vector<std::string> start_from(const std::string& path, Module& network,
                                    const std::string& model) {
  const auto opened = open_tensors(path);
  const TensorFile& file = *opened;
  const auto state = network.state();
  Match match = match_tensors(file, state);
  const std::size_t total = match.total();
  const std::string head = head_name(network);
  const auto of_head = [&](const std::string& name) { return name.starts_with(head + "."); };
  const bool fits = std::none_of(match.missing.begin(), match.missing.end(), of_head) &&
                    std::none_of(match.different.begin(), match.different.end(),
                                 [&](auto& d) { return of_head(d.name); });
  const int64_t classes = fits ? 0 : leave_out(head, file, match);
  check_complete(file, match, model);
  copy_tensors(file, match.prefix, match.alike);
  std::vector<std::string> notes = notes_on(file, match);
  std::string loaded =
      "loaded " + std::to_string(match.alike.size()) + " of " + std::to_string(total) + " tensors";
  if (!fits)
    loaded += "; " + printable(head) + " is new (" +
              (classes ? std::to_string(classes) : std::string("none")) + " -> " +
              std::to_string(network.parameters().back().tensor.dim(0)) + " classes)";
  notes.push_back(loaded);
  return notes;
}

}  // namespace tweed
