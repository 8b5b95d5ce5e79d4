// HTML pages that load nothing from anywhere.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace tweed {

/// The page as text: styles and scripts are texts of files here, and `data` is what the scripts
/// find in the element "data". A policy lets nothing in from outside, whatever a name may hold.
std::string html_page(const std::string& title, const std::vector<const char*>& styles,
                      const std::vector<const char*>& scripts, const nlohmann::json& data);

/// "2026-01-31 12:00:00 UTC"
std::string utc_now();

/// Puts a page in its place, whole; it can be made again, so no disk is waited for.
/// @throws Error  "PATH: cannot be written: REASON"
void write_page(const std::string& path, const std::string& html);

}  // namespace tweed
