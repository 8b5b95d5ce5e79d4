// Results as JSON, for programs that read them.
#pragma once
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/drawings/photos.h"
#include "nn/answers.h"
#include "train/calibration.h"
#include "train/score.h"

namespace tweed::app {

using Json = nlohmann::ordered_json;

/// --json: then stdout is one JSON document, and all that is said besides goes to stderr.
void add_json_to(CLI::App& flags, bool& json);
/// JSON has neither NaN nor infinity: null.
Json json_number(double value);
/// {"class": name, "label": 3, "probability": 0.93}
Json json_of(const Answer& answer);
/// {"images": 300, "image_size": 32, "top1": ..., "top5": ..., "loss": ...}
Json json_of(const Score& score, int image_size);
/// {"error": 3.1, "confidence": 71.2, "right": 68.9, "bins": [{"count": 7, ...}, ...]}, per cent
Json json_of(const Calibration& calibration);
/// [{"file": ..., "reason": ...}, ...]
Json json_of(const std::vector<Photos::Skipped>& skipped);
/// On stdout. Names and paths that are no UTF-8 get U+FFFD in the place of such bytes.
void print_json(const Json& json);

}  // namespace tweed::app
