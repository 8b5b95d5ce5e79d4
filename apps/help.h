// --help in groups, as wide as a terminal or 80 columns, the commonest flags first.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace tweed::app {

/// Gives an app the help of ours. --help lists the flags of `common` only, if any are named, and
/// says how many more --help-all lists.
void use_our_help(CLI::App& app, const std::vector<std::string>& common = {});

}  // namespace tweed::app
