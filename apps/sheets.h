// The pictures that the apps draw: saliency beside photos, and attacks beside originals.
#pragma once
#include <string>
#include <vector>

#include "apps/flags.h"
#include "record/figure.h"

namespace tweed::app {

/// Images with what is known about them.
struct Samples {
  std::vector<Image> images;       ///< of the network's size
  std::vector<int32_t> labels;     ///< -1 if unknown
  std::vector<std::string> names;  ///< for images without label: the file
};

/// `count` validation images spread over the classes.
Samples pick_samples(const Dataset& data, const CheckpointInfo& info, int count);
/// Image files, resized and cropped as in validation, without labels.
/// @param squash  resizes both sides to load_size, whatever the proportions
Samples read_photos(const std::vector<std::string>& files, const CheckpointInfo& info,
                    bool squash = false);

/// (N, H, W, 3), normalised.
Tensor normalized(const Samples& samples, const CheckpointInfo& info, Device device);

/// Each image beside its saliency overlay and map, with true and predicted class.
void write_saliency_sheet(const std::string& path, const Checkpoint& checkpoint,
                          const Samples& samples, Device device);
/// Original, magnified noise and attacked image side by side, with class and probability.
void write_attack_sheet(const std::string& path, const Checkpoint& checkpoint,
                        const Samples& samples, const PgdOptions& options, Device device);

}  // namespace tweed::app
