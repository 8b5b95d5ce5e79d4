// The start of the training on real photos that docs/results/cpu.md reports, for comparison with
// PyTorch.
#pragma once
#include <string>
#include <vector>

#include "data/dataset.h"
#include "record/safetensors.h"

namespace tweed {

/// The first 10 categories of a MiniPlaces folder, 200 training images each.
Dataset photos(const std::string& root);

/// The losses of the first steps of SimpleNet: batch 64 of 128x128, seed 0, learning rate 0.05 with
/// two of 20 epochs of warm-up, momentum 0.9, weight decay 1e-4.
std::vector<double> first_losses(const Dataset& data, int steps);

/// What those steps start from, for torch_photos.py: weights under PyTorch's names.
SafeTensors first_weights(const Dataset& data);
/// Their batches: images (steps * 64, 128, 128, 3) uint8, cropped and mirrored; labels int32.
SafeTensors first_batches(const Dataset& data, int steps);

}  // namespace tweed
