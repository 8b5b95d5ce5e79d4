#include "record/report/comparison.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "record/draw/curves.h"
#include "record/report/run_data.h"

namespace tweed {
namespace {

using nlohmann::json;

std::vector<double> numbers(const json& values) {
  std::vector<double> result;
  for (auto& v : values) result.push_back(v.is_number() ? v.get<double>() : NAN);
  return result;
}

// NaN where there is nothing.
double median(std::vector<double> values) {
  values.erase(std::remove_if(values.begin(), values.end(), [](double v) { return std::isnan(v); }),
               values.end());
  if (values.empty()) return NAN;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string text(double value, const char* format) {
  char words[40];
  if (std::isnan(value)) return "-";
  std::snprintf(words, sizeof words, format, value);
  return words;
}

struct Runs {
  std::vector<std::string> names;
  std::vector<json> runs;

  Image curves(const char* title, const char* metric) const {
    Plot plot{title, "epoch", {}};
    for (std::size_t i = 0; i < runs.size(); ++i)
      plot.series.push_back(
          {names[i], numbers(runs[i]["epochs"]["epoch"]), numbers(runs[i]["epochs"][metric])});
    return draw_plot(plot);
  }
  template <class Value>
  Image bars(const char* title, const char* format, Value value) const {
    std::vector<double> values;
    std::vector<std::string> words;
    for (auto& run : runs) {
      values.push_back(value(run));
      words.push_back(text(values.back(), format));
    }
    return draw_bars(title, names, values, words);
  }
};

}  // namespace

void draw_comparison(const std::string& path, const std::vector<std::string>& folders) {
  Runs all;
  for (auto& folder : folders) {
    all.runs.push_back(read_run(folder));
    all.names.push_back(all.runs.back()["name"]);
  }
  auto of_config = [](const json& run, const char* name) {
    const json value = run["config"].value(name, json());
    return value.is_number() ? value.get<double>() : NAN;
  };
  draw_pictures(
      path, "",
      {all.curves("Training loss", "train_loss"), all.curves("Validation loss", "val_loss"),
       all.curves("Validation top-1, %", "val_top1"),
       all.bars("Seconds an epoch", "%.1f s",
                [](const json& run) {
                  return median(numbers(run["config"].value("epoch_seconds", json::array())));
                }),
       all.bars("Images a second in training", "%.0f",
                [](const json& run) { return median(numbers(run["steps"]["images_per_s"])); }),
       all.bars("Peak of tensors", "%.1f MB",
                [&](const json& run) { return of_config(run, "peak_memory_bytes") / 1e6; })});
}

}  // namespace tweed
