// The flags of a training run, which a resumed run takes over.
#pragma once
#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

namespace tweed::app {

/// By the flag's longest name; several values where a flag may be given several times.
using FlagValues = std::map<std::string, std::vector<std::string>>;

/// Those flags that decide what a run computes (data, rate, schedule, epochs, batch, seed, ...), as
/// given or by default. Where and how fast it computes is left out, and what a checkpoint says of
/// itself (model, classes, sizes).
FlagValues run_flags(const CLI::App& flags);
/// What a flag was given, or its default; empty if it has none.
std::vector<std::string> values_of(const CLI::Option& option);

/// The words of a command line that had also given what `saved` has and `flags` was not given.
/// @param words  those that `flags` has parsed
std::vector<std::string> with_saved(const CLI::App& flags, const FlagValues& saved,
                                    const std::vector<std::string>& words);

/// What is given otherwise than it was saved: "--lr 0.01 instead of 0.05, ..."; empty if nothing
/// is.
std::string differences(const FlagValues& now, const FlagValues& saved);

}  // namespace tweed::app
