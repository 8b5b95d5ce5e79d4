// The pictures that several apps draw: attacks beside originals, mosaics for TensorBoard.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "apps/flags.h"
#include "nn/answers.h"
#include "record/draw/figure.h"

namespace tweed::app {

/// Images with what is known about them.
struct Samples {
  std::vector<Image> images;       ///< of the network's size
  std::vector<int32_t> labels;     ///< -1 if unknown
  std::vector<std::string> names;  ///< for images without label: what to call them
  std::vector<std::string> files;  ///< which they are from
};

/// `count` validation images spread over the classes, behind the `first` of these.
Samples pick_samples(const Dataset& data, const CheckpointInfo& info, int64_t count,
                     int64_t first = 0);

/// (N, H, W, 3), normalised.
Tensor normalized(std::span<const Image> images, const CheckpointInfo& info, Device device);

/// "93 %"
std::string percent(double p);
/// "coast 93 %", green or red where the truth is known.
Caption said(const Answer& answer, int32_t truth);
/// "true: coast", or what an image without label is called.
Caption truth_of(const Samples& samples, std::size_t i, const CheckpointInfo& info);
/// Images of 64 pixels and less are drawn with their pixels, as squares.
Scaling scaling_for(int image_size);
/// Normalised values (H, W, 3) as pixels: scale * value + offset in units of 0..1, where value is
/// that of a pixel, or the difference of two.
Image pixels_of(const Tensor& t, const CheckpointInfo& info, double scale = 1, double offset = 0,
                bool difference = false);

/// Under the attack of that name (see register_attack):
/// original, magnified noise and attacked image side by side, with class and probability.
/// False after Ctrl-C: then nothing is written.
bool write_attack_sheet(const std::string& path, const Checkpoint& checkpoint,
                        const Samples& samples, const std::string& name, const PgdOptions& options,
                        Device device);
/// For TensorBoard, in FOLDER/tensorboard/evaluate, under the coursework's tags: of every tenth
/// batch of a hundred validation images twenty, ten in a row. `Image` has their saliency; with an
/// attack `Org_Image` has them as they are and `Adv_Image` attacked. False after Ctrl-C: then
/// nothing is written.
bool write_event_images(const std::string& folder, const Checkpoint& checkpoint,
                        const Dataset& data, const std::string& name, const PgdOptions* options,
                        Device device);
/// "wrote PATH: 8 images of 32x32"
void print_written(const std::string& path, const Samples& samples, const CheckpointInfo& info);

}  // namespace tweed::app
