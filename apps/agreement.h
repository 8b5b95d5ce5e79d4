// What several processes must have in common to train one network.
#pragma once
#include <vector>

#include "data/dataset.h"
#include "distributed/process_group.h"
#include "nn/module.h"
#include "record/checkpoint.h"

namespace tweed::app {

struct TrainFlags;

/// The build, the flags, the classes, the images and the weights, for check_agreement().
std::vector<Fact> facts_of(const TrainFlags& f, const DataSplits& data, const CheckpointInfo& info,
                           const Module& network);

}  // namespace tweed::app
