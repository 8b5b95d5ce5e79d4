#include "apps/json_output.h"

#include <cmath>
#include <cstdio>

#include "apps/terminal.h"

namespace tweed::app {

void add_json_to(CLI::App& flags, bool& json) {
  flags.add_flag_callback(
      "--json",
      [&json] {
        json = true;
        keep_stdout_for_data();
      },
      "print the results as JSON, and all else on stderr");
}

Json json_number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json json_of(const Answer& answer) {
  return {{"class", answer.name}, {"label", answer.label}, {"probability", answer.probability}};
}

Json json_of(const Score& score, int image_size) {
  return {{"images", score.count},
          {"image_size", image_size},
          {"top1", score.top1},
          {"top5", score.top5},
          {"loss", json_number(score.loss)}};
}

Json json_of(const Calibration& c) {
  Json bins = Json::array();
  for (auto& [count, confidence, right] : c.bins)
    bins.push_back({{"count", count}, {"confidence", confidence}, {"right", right}});
  return {{"error", json_number(c.error)},
          {"confidence", json_number(c.confidence)},
          {"right", c.right},
          {"bins", bins}};
}

Json json_of(const std::vector<Photos::Skipped>& skipped) {
  Json list = Json::array();
  for (auto& [file, reason] : skipped) list.push_back({{"file", file}, {"reason", reason}});
  return list;
}

void print_json(const Json& json) {
  const std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace);
  std::printf("%s\n", text.c_str());
}

}  // namespace tweed::app
