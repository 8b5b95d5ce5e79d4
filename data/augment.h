// From stored images to what a network sees: normalisation, and random crops and mirroring.
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

/// What happens to training images at random.
struct Augmentation {
  bool mirror = true;  ///< with probability 0.5
  bool crop = true;    ///< at a random place, else in the middle
  int pad = 0;         ///< pixels of zeros around the normalised image, from which a crop may take
};

/// Where a training view begins in the stored image, maybe outside of it in the padding, and
/// whether it is mirrored.
struct View {
  int top = 0, left = 0;
  bool mirrored = false;
};
/// Draws a view of size x size. A further transform belongs in here, and draws its numbers from
/// `random` after these.
/// @param side  height and width of the stored image. @throws ShapeError  if it is smaller than
/// size
View choose_view(int side, int size, const Augmentation& augmentation, Random random);

/// What each of 256 pixel values becomes, by channel.
using NormalizationTable = std::array<std::array<float, 256>, 3>;
NormalizationTable table_of(const Normalization& by);

/// The training transform: a part of size x size of the normalised image, maybe mirrored.
///
/// @param to  (size, size, 3)
/// @throws ShapeError  if the image is smaller than size
void training_view(const Image& image, int size, const Augmentation& augmentation,
                   const Normalization& by, Random random, float* to);

/// The validation transform: the middle size x size pixels.
Image validation_crop(const Image& image, int size);

/// Normalises an image into `to`, (H, W, 3).
void normalize(const Image& image, const Normalization& by, float* to);

}  // namespace tweed
