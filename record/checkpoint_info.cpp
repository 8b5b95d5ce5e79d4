// What a checkpoint says about itself, as strings in the file's metadata.
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "data/parse_json.h"
#include "nn/models/sequential.h"
#include "record/checkpoint.h"

namespace tweed {
namespace {

using nlohmann::json;

std::string text(double v) { return json(v).dump(); }

// The shortest text that reads back as the same floats: JSON's numbers are doubles, which would
// show 0.485f as 0.48500001430511475.
std::string text(const std::array<float, 3>& values) {
  std::string out = "[";
  for (float v : values) {
    char digits[32];
    char* end = std::to_chars(digits, digits + sizeof digits, v).ptr;
    if (out.size() > 1) out += ',';
    out.append(digits, end);
  }
  return out + "]";
}

// Asks the metadata for values, each within bounds that no sensible network meets.
class Metadata {
 public:
  explicit Metadata(const SafeTensorsFile& file) : file_(file) {}

  const std::string& get(const std::string& key) const {
    auto found = file_.metadata().find(key);
    if (found == file_.metadata().end())
      throw FormatError(file_.path(),
                        "is no checkpoint of Tweed: its metadata has no '" + key + "'");
    return found->second;
  }

  template <class T>
  T number(const std::string& key, T least, T most) const {
    const std::string& text = get(key);
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    if (!whole || !(value >= least && value <= most))
      wrong(key, "a number from " + json(least).dump() + " to " + json(most).dump());
    return value;
  }

  std::array<float, 3> channels(const std::string& key, double least, double most) const {
    const auto values = try_parse_json(get(key), 1);
    const std::string wanted =
        "three numbers from " + json(least).dump() + " to " + json(most).dump();
    if (!values || !values->is_array() || values->size() != 3) wrong(key, wanted);
    std::array<float, 3> result{};
    for (std::size_t i = 0; i < 3; ++i) {
      const json& v = (*values)[i];
      if (!v.is_number() || !(v.get<double>() >= least && v.get<double>() <= most))
        wrong(key, wanted);
      result[i] = v.get<float>();
    }
    return result;
  }

  std::vector<std::string> names(const std::string& key) const {
    const auto values = try_parse_json(get(key), 1);
    if (!values || !values->is_array() || values->empty() ||
        !std::all_of(values->begin(), values->end(), [](const json& v) { return v.is_string(); }))
      wrong(key, "a list of names");
    return values->get<std::vector<std::string>>();
  }

 private:
  [[noreturn]] void wrong(const std::string& key, const std::string& wanted) const {
    throw FormatError(file_.path(), "its metadata has " + in_quotes(get(key), 60) + " as '" + key +
                                        "', which takes " + wanted);
  }
  const SafeTensorsFile& file_;
};

}  // namespace

CheckpointInfo info_of(const std::string& model, const Dataset& data, const Normalization& by) {
  return {.model = model,
          .classes = data.classes(),
          .image_size = data.image_size(),
          .load_size = data.image_side(),
          .mean = by.mean,
          .std = by.std};
}

CheckpointInfo read_info(const SafeTensorsFile& file) {
  const Metadata metadata(file);
  CheckpointInfo info;
  info.model = metadata.get("model");
  if (is_json_model(info.model)) info.description = metadata.get("description");
  info.classes = metadata.names("classes");
  info.image_size = metadata.number("image_size", 1, 4096);
  info.load_size = metadata.number("load_size", info.image_size, 8192);
  info.mean = metadata.channels("mean", -1000, 1000);
  info.std = metadata.channels("std", 1e-6, 1000);
  info.epoch = metadata.number<int64_t>("epoch", 0, 999'999);
  info.top1 = metadata.number("top1", 0., 100.);
  info.top5 = metadata.number("top5", 0., 100.);
  return info;
}

std::map<std::string, std::string> metadata_of(const CheckpointInfo& info) {
  for (auto& name : info.classes)
    if (!is_utf8(name))
      throw Error("the class " + in_quotes(name) + " cannot be saved: it is no UTF-8");
  std::map<std::string, std::string> metadata{{"format", "pt"},
                                              {"framework", "tweed"},
                                              {"model", info.model},
                                              {"classes", json(info.classes).dump()},
                                              {"image_size", std::to_string(info.image_size)},
                                              {"load_size", std::to_string(info.load_size)},
                                              {"mean", text(info.mean)},
                                              {"std", text(info.std)},
                                              {"epoch", std::to_string(info.epoch)},
                                              {"top1", text(info.top1)},
                                              {"top5", text(info.top5)}};
  if (!info.description.empty()) metadata["description"] = info.description;
  return metadata;
}

}  // namespace tweed
