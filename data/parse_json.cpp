#include "data/parse_json.h"

#include <nlohmann/json.hpp>

#include "kernels/machine/error.h"

namespace tweed {

using nlohmann::json;

json parse_json(const std::string& file, std::string_view text, int deepest) {
  const auto follow = [&](int depth, json::parse_event_t, json&) {
    if (depth > deepest)
      throw FormatError(file,
                        "is nested deeper than " + std::to_string(deepest) + " levels of JSON");
    return true;
  };
  // What these exceptions say repeats the text, at any length, and names no file.
  try {
    return json::parse(text, follow);
  } catch (const json::parse_error& e) {
    throw FormatError(
        file, "is no JSON: it goes wrong at byte " + std::to_string(e.byte > 0 ? e.byte - 1 : 0));
  } catch (const json::out_of_range&) {
    throw FormatError(file, "is no JSON that can be read: it has a number beyond all bounds");
  } catch (const json::exception&) {
    throw FormatError(file, "is no JSON that can be read");
  }
}

std::optional<json> try_parse_json(std::string_view text, int deepest) {
  try {
    return parse_json("", text, deepest);
  } catch (const FormatError&) {
    return std::nullopt;
  }
}

}  // namespace tweed
