// The features of a data set, kept in a file so that they are computed once.
#pragma once
#include <string>
#include <vector>

#include "train/features.h"

namespace tweed::app {

struct FeatureSets {
  Features train, validation;
  std::vector<std::string> classes;  ///< of the data, in label order
  bool from_cache = false;
};

/// Reads what write_features() wrote under the same key. Empty sets if there is no such file, or it
/// is of another key. @throws FormatError  if the file is something else: it is not replaced then
bool read_features(const std::string& path, const std::string& key, FeatureSets& sets);
/// As safetensors: "train.features", "train.logits", "train.labels", and of "validation".
void write_features(const std::string& path, const std::string& key, const FeatureSets& sets);

}  // namespace tweed::app
