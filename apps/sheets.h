// The pictures that the apps draw: saliency beside photos, and attacks beside originals.
#pragma once
#include <string>
#include <vector>

#include "apps/flags.h"
#include "record/draw/figure.h"

namespace tweed::app {

/// Images with what is known about them.
struct Samples {
  std::vector<Image> images;       ///< of the network's size
  std::vector<int32_t> labels;     ///< -1 if unknown
  std::vector<std::string> names;  ///< for images without label: the file
};

/// `count` validation images spread over the classes.
Samples pick_samples(const Dataset& data, const CheckpointInfo& info, int64_t count);
/// Reads an image file, resized and cropped as in validation, without a label. False for one that
/// cannot be read, which is named on stderr.
/// @param squash  resizes both sides to load_size, whatever the proportions
bool add_photo(Samples& samples, const std::string& file, const CheckpointInfo& info,
               bool squash = false);

/// (N, H, W, 3), normalised.
Tensor normalized(const Samples& samples, const CheckpointInfo& info, Device device);

/// Each image beside its saliency overlay and map, with true and predicted class.
/// False after Ctrl-C: then nothing is written.
bool write_saliency_sheet(const std::string& path, const Checkpoint& checkpoint,
                          const Samples& samples, Device device);
/// Under the attack of that name (see register_attack):
/// original, magnified noise and attacked image side by side, with class and probability.
/// False after Ctrl-C: then nothing is written.
bool write_attack_sheet(const std::string& path, const Checkpoint& checkpoint,
                        const Samples& samples, const std::string& name, const PgdOptions& options,
                        Device device);
/// "wrote PATH: 8 images of 32x32"
void print_written(const std::string& path, const Samples& samples, const CheckpointInfo& info);

}  // namespace tweed::app
