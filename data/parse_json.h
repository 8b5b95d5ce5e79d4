// JSON from files that cannot be trusted.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace tweed {

/// The value that `text` describes. Brackets within brackets are followed to `deepest` levels:
/// a file of nothing but "[" would otherwise take seventy times its size.
/// @param file  for messages: where the text is from
/// @throws FormatError  "FILE: is no JSON: it goes wrong at byte N", and for every other fault
nlohmann::json parse_json(const std::string& file, std::string_view text, int deepest);

/// The same, but nothing where parse_json() throws.
std::optional<nlohmann::json> try_parse_json(std::string_view text, int deepest);

}  // namespace tweed
