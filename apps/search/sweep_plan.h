// What a file of flags asks for: the runs of a sweep.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace tweed::app {

/// One run of a sweep.
struct PlannedRun {
  std::string name;                ///< its folder's
  std::vector<std::string> words;  ///< for train_miniplaces, without --out
  /// What it has that not all have: {"--lr", "0.1"}, in the order of the columns. "" where a flag
  /// is not given.
  std::vector<std::string> differing;
};

struct SweepPlan {
  std::vector<std::string> columns;  ///< the flags that differ
  std::vector<PlannedRun> runs;
};

/// Reads a file such as
///
///   {"flags": {"data": "tiny", "epochs": 3},                    of all runs
///    "grid": {"lr": [0.01, 0.1], "optimizer": ["sgd", "adam"]}}   one run for each combination
///
/// or, instead of the grid, "runs": [{"name": "wide", "lr": 0.1}, ...]. A flag is written with its
/// dashes or without; true gives it without a value, false and null do not give it, and a list of
/// words (in a grid: within the list of alternatives) gives it several times. "data" is DATA.
///
/// @throws FormatError  for what is no such file, and for flags that a sweep gives itself
SweepPlan read_sweep(const std::string& path);

}  // namespace tweed::app
