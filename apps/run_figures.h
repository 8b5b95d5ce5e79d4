// The pictures and the answers that a training run leaves behind.
#pragma once
#include <string>
#include <vector>

#include "data/dataset.h"
#include "record/checkpoint.h"
#include "train/outcomes.h"

namespace tweed::app {

/// curves.png of a run's folder: loss, accuracy and rate. Of a run of few epochs the training's
/// are drawn step by step.
void draw_run_curves(const std::string& folder, const std::string& title);

/// The filters of a first convolution of images, each stretched from its smallest value to its
/// largest, as 0..255: sixteen in a row. An image without pixels if there is no such convolution.
Image first_filters(const Module& network);

/// validation.json of a run's folder: right answers by class, which classes were taken for which,
/// how sure the network was and how right, and some images with what was said of them.
/// @param outcomes  of all images of `data`, in order
void write_validation(const std::string& folder, int64_t epoch, const CheckpointInfo& info,
                      const Dataset& data, const std::vector<Outcome>& outcomes);

}  // namespace tweed::app
