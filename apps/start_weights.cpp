#include "apps/start_weights.h"

#include <optional>

#include "nn/models/models.h"
#include "nn/models/sequential.h"
#include "record/checkpoint.h"

namespace tweed::app {

// Of a checkpoint of ours; none for files from elsewhere.
static std::optional<CheckpointInfo> info_in(const std::string& path) {
  const auto file = open_tensors(path);
  const auto* ours = dynamic_cast<const SafeTensorsFile*>(file.get());
  if (!ours) return {};
  const auto framework = ours->metadata().find("framework");
  if (framework == ours->metadata().end() || framework->second != "tweed") return {};
  return read_info(*ours);
}

std::string model_of_weights(const std::string& path) {
  const auto info = info_in(path);
  if (!info)
    throw Error(printable(path) + " does not say which network its weights are for: --model does");
  if (is_json_model(info->model))
    throw Error(printable(path) + " is of a network that " + printable(info->model) +
                " describes: give that file with --model");
  return info->model;
}

Normalization normalization_of_weights(const std::string& path, const std::string& model) {
  if (const auto info = info_in(path)) return {info->mean, info->std};
  return preprocessing_of(model).normalization;
}

}  // namespace tweed::app
