// From stored images to what a network sees: random crops and mirroring, and normalisation.
//
// Everything here is a function of its arguments; all of it may be called from several threads.
#pragma once
#include <array>
#include <cstdint>

#include "data/image.h"
#include "kernels/philox.h"

namespace tweed {

/// y = (pixel / 255 - mean) / std, by channel. Defaults: ImageNet's.
struct Normalization {
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f};
  std::array<float, 3> std{0.229f, 0.224f, 0.225f};
};

/// The random numbers for one training image: they depend on nothing but the arguments.
///
/// @param epoch   from 0
/// @param sample  index in the training set, below 2^32
inline Random augmentation_random(uint64_t seed, int64_t epoch, int64_t sample) {
  return Random(seed, Purpose::augment, uint32_t(epoch), uint32_t(sample));
}

/// The training transform: a crop of size x size at a random place of
/// the image, mirrored with probability 0.5. A further transform belongs in here, between or after
/// these, and draws its numbers from `random` after theirs.
///
/// @return  (size, size, 3)
/// @throws ShapeError  if the image is smaller than size
Image training_crop(const Image& image, int size, Random random);

/// The validation transform: the middle size x size pixels.
Image validation_crop(const Image& image, int size);

/// Normalises an image into `to`, (H, W, 3).
void normalize(const Image& image, const Normalization& by, float* to);

}  // namespace tweed
