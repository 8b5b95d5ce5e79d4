#include "apps/feature_cache.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "data/parse_json.h"
#include "record/safetensors.h"

namespace tweed::app {
namespace {

struct Part {
  std::string name;
  Tensor Features::*member;
  DType dtype;
  int axes;
};
const Part parts[] = {{".features", &Features::values, DType::float32, 2},
                      {".logits", &Features::logits, DType::float32, 2},
                      {".labels", &Features::labels, DType::int32, 1}};

// @throws Error  naming what does not fit
Features take(const SafeTensors& file, const std::string& split, int64_t classes) {
  Features features;
  for (auto& part : parts) {
    const auto found = file.tensors.find(split + part.name);
    if (found == file.tensors.end() || found->second.dtype() != part.dtype ||
        found->second.ndim() != part.axes)
      throw Error("has no " + split + part.name + " as it should be");
    features.*part.member = found->second;
  }
  for (int32_t label : features.labels.to_vector<int32_t>())
    if (label < 0 || label >= classes) throw Error("has a label beyond its classes");
  if (features.values.dim(0) != features.labels.dim(0) ||
      features.logits.dim(0) != features.labels.dim(0))
    throw Error("has not as many features as labels");
  return features;
}

}  // namespace

bool read_features(const std::string& path, const std::string& key, FeatureSets& sets) {
  std::error_code none;
  if (path.empty() || !std::filesystem::exists(path, none)) return false;
  const SafeTensors file = read_safetensors(path);
  const auto kept = file.metadata.find("features_of");
  if (kept == file.metadata.end())
    throw FormatError(path, "is no file of features, and so is not replaced by one");
  if (kept->second != key) return false;
  try {
    const auto classes = parse_json(path, file.metadata.at("classes"), 1);
    sets.classes = classes.get<std::vector<std::string>>();
    sets.train = take(file, "train", int64_t(sets.classes.size()));
    sets.validation = take(file, "validation", int64_t(sets.classes.size()));
  } catch (const FormatError&) {
    throw;
  } catch (const std::exception& e) {
    throw FormatError(path, std::string("is a damaged file of features: ") + e.what());
  }
  return sets.from_cache = true;
}

void write_features(const std::string& path, const std::string& key, const FeatureSets& sets) {
  SafeTensors file;
  for (auto& part : parts) {
    file.tensors["train" + part.name] = sets.train.*part.member;
    file.tensors["validation" + part.name] = sets.validation.*part.member;
  }
  const auto replace = nlohmann::json::error_handler_t::replace;
  file.metadata = {{"features_of", key},
                   {"classes", nlohmann::json(sets.classes).dump(-1, ' ', false, replace)}};
  write_safetensors(path, file);
}

}  // namespace tweed::app
