#include "record/report/run_data.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "data/parse_json.h"
#include "data/read_file.h"
#include "kernels/machine/error.h"
#include "record/metrics.h"
#include "record/report/base64.h"
#include "record/run_files.h"

namespace tweed {
namespace {

using nlohmann::json;

constexpr int deepest = 8;

json file_or_null(const std::string& path) {
  try {
    return parse_json(path, read_file(path, most_text_bytes), deepest);
  } catch (const Error&) {
    return nullptr;
  }
}

// The objects of a file of lines, as far as they are whole.
template <class F>
void for_each_object(const std::string& path, F f) {
  std::string text;
  try {
    text = read_file(path, most_metrics_bytes);
  } catch (const Error&) {
    return;
  }
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const auto line = try_parse_json(std::string_view(text).substr(at, end - at), deepest);
    if (!line || !line->is_object()) return;
    f(*line);
  }
}

// Lines as columns: the names are those of the first line.
json columns(const std::string& path, const json& names) {
  json result = json::object();
  for (auto& name : names) result[name.get<std::string>()] = json::array();
  for_each_object(path, [&](const json& line) {
    for (auto& [name, values] : result.items()) {
      const auto found = line.find(name);
      values.push_back(found != line.end() && found->is_number() ? *found : json());
    }
  });
  return result;
}

double number_or(const json& value, double otherwise) {
  return value.is_number() ? value.get<double>() : otherwise;
}

// Means of so many neighbours, and what the largest and the smallest were.
void thin(json& steps, const std::string& name, std::size_t each, bool with_range) {
  json means = json::array(), low = json::array(), high = json::array();
  const json& values = steps[name];
  for (std::size_t i = 0; i < values.size(); i += each) {
    const std::size_t end = std::min(values.size(), i + each);
    double sum = 0, least = INFINITY, most = -INFINITY;
    for (std::size_t k = i; k < end; ++k) {
      const double v = number_or(values[k], NAN);
      sum += v;
      least = std::min(least, v);
      most = std::max(most, v);
    }
    means.push_back(sum / double(end - i));
    low.push_back(least);
    high.push_back(most);
  }
  steps[name] = means;
  if (!with_range) return;
  steps[name + "_low"] = low;
  steps[name + "_high"] = high;
}

json thinned(json steps) {
  constexpr std::size_t most = 1000;
  const std::size_t each = (steps["iteration"].size() + most - 1) / most;
  if (each <= 1) return steps;
  for (auto name : {"iteration", "lr", "gradient_first_conv", "gradient_last_conv"})
    thin(steps, name, each, false);
  for (auto name : {"loss", "top1", "images_per_s"}) thin(steps, name, each, true);
  steps.erase("epoch");
  return steps;
}

// The last step of each epoch that has a line in metrics.jsonl.
json epoch_ends(const json& steps, std::size_t epochs) {
  json ends = json::array();
  const json &epoch = steps["epoch"], &iteration = steps["iteration"];
  for (std::size_t i = 0; i < epoch.size() && ends.size() < epochs; ++i)
    if (i + 1 == epoch.size() || epoch[i + 1] != epoch[i]) ends.push_back(iteration[i]);
  return ends;
}

json layers_of(const std::string& path) {
  json layers = json::array();
  for_each_object(path, [&](const json& line) {
    if (!line.contains("layer") || !line["layer"].is_string()) return;
    auto found = std::find_if(layers.begin(), layers.end(),
                              [&](auto& layer) { return layer["name"] == line["layer"]; });
    if (found == layers.end()) {
      layers.push_back({{"name", line["layer"]}});
      found = layers.end() - 1;
    }
    for (auto name : {"epoch", "weight", "gradient", "activation"})
      (*found)[name].push_back(number_or(line.value(name, json()), 0));
  });
  return layers;
}

// The file that is handed in, and how large that may be.
json weights_of(const std::string& base) {
  for (auto name : {run_file::best, run_file::last}) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(base + name, error);
    if (!error) return {{"file", name}, {"bytes", bytes}, {"limit", submission_bytes}};
  }
  return nullptr;
}

std::string picture(const std::string& path) {
  constexpr uint64_t most = uint64_t(32) << 20;
  try {
    return "data:image/png;base64," + base64(read_file(path, most));
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

json read_run(const std::string& folder) {
  const std::string base = folder + "/";
  std::error_code none;
  const bool known = std::filesystem::exists(base + run_file::config, none) ||
                     std::filesystem::exists(base + run_file::metrics, none);
  if (!known)
    throw FormatError(folder, std::string("is no run: it has neither ") + run_file::config +
                                  " nor " + run_file::metrics);
  json run;
  std::filesystem::path path = std::filesystem::absolute(folder, none).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  run["name"] = path.filename().string();
  run["config"] = file_or_null(base + run_file::config);
  if (!run["config"].is_object()) run["config"] = json::object();
  run["epochs"] = columns(base + run_file::metrics,
                          {"epoch", "lr", "train_loss", "train_top1", "train_top5", "val_loss",
                           "val_top1", "val_top5", "val_calibration_error", "val_robust_top1"});
  const json steps = columns(base + run_file::iterations,
                             {"iteration", "epoch", "loss", "top1", "lr", "gradient_first_conv",
                              "gradient_last_conv", "images_per_s"});
  run["epoch_ends"] = epoch_ends(steps, run["epochs"]["epoch"].size());
  run["steps"] = thinned(steps);
  run["layers"] = layers_of(base + run_file::layers);
  run["validation"] = file_or_null(base + run_file::validation);
  run["profile"] = file_or_null(base + run_file::profile);
  run["weights"] = weights_of(base);
  run["images"] = json::object();
  for (auto& [name, file] : {std::pair("filters", run_file::filters),
                             {"saliency", run_file::saliency},
                             {"attack", run_file::attack}})
    if (const std::string uri = picture(base + file); !uri.empty()) run["images"][name] = uri;
  return run;
}

}  // namespace tweed
