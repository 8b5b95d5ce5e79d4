// A browser without a screen, for the pages that we write.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

/// Where Chromium is; empty if there is none (apt-get install chromium).
std::string browser();

/// The page opened in a window of the given width: what `after`, a script in a <script> element at
/// the page's end, leaves as JSON in the text of an element <pre id="seen">. It finds what went
/// wrong since the page began, and what was asked for from elsewhere, in the list `faults`.
/// Requires that the console stayed empty.
nlohmann::json seen_in(const std::string& page, int width, const char* after);
