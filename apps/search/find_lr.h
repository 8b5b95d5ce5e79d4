// train_miniplaces --find-lr: tries learning rates, and says which to train with.
#pragma once
#include <string>
#include <vector>

#include "data/dataset.h"
#include "nn/module.h"

namespace tweed::app {

struct TrainingOptions;

/// Runs the learning-rate range test with the options of a run, draws find_lr.png and writes
/// find_lr.jsonl into its folder, and prints the command that trains with the rate found. Changes
/// nothing else. Returns the exit code: 0, 130 after Ctrl-C.
/// @throws Error  if no rate lowers the loss
int find_lr_for(const TrainingOptions& options, const ModulePtr& network, const Dataset& data);

/// The command as it was typed, as a shell wants it, without --find-lr and with this --lr.
std::string command_with_rate(const std::vector<std::string>& typed, double rate);

}  // namespace tweed::app
