// What several processes must have in common to train one network.
#pragma once
#include <CLI/CLI.hpp>
#include <vector>

#include "data/dataset.h"
#include "distributed/process_group.h"
#include "nn/module.h"
#include "record/checkpoint.h"

namespace tweed::app {

struct TrainFlags;

/// What the processes are started for, before data are read: the flags, but for places, which may
/// be others on each machine, and for how fast one of them computes. Processes that
/// differ here would wait for each other in different places.
std::vector<Fact> wishes_of(const CLI::App& app, const TrainFlags& f);

/// The build, the classes, the images' size and form, the validation images and the weights.
std::vector<Fact> facts_of(const Dataset& validation, const CheckpointInfo& info,
                           const Module& network);
/// The same, the training images, and the flags of a run, which may come from its state.
std::vector<Fact> facts_of(const TrainFlags& f, const DataSplits& data, const CheckpointInfo& info,
                           const Module& network);

}  // namespace tweed::app
