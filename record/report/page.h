// Pages about runs: one HTML file each, which loads nothing from anywhere.
#pragma once
#include <string>
#include <vector>

namespace tweed {

/// report.html of a run's folder, made from its other files; what of them is missing or damaged is
/// left out. While config.json says that the run goes on, the page loads itself anew.
/// @throws Error  "PATH: cannot be written: REASON"
void write_report(const std::string& folder);

/// The same runs side by side. @throws FormatError  for a folder that is no run
void write_comparison(const std::string& path, const std::vector<std::string>& folders);

}  // namespace tweed
