// From stored images to what a network sees: normalisation, and what happens to training images at
// random. docs/augmentation.md shows what each of it does.
//
// Everything here is a function of its arguments; all of it may be called from several threads.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "data/colours.h"
#include "data/image.h"
#include "kernels/augment.h"
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

/// What happens to training images at random; 0 and false: nothing. Of all that moves pixels one
/// map is made, so that an image is resampled once. augmentation_rows() has the usual values.
struct Augmentation {
  bool mirror = true;    ///< with probability 0.5
  bool crop = true;      ///< at a random place, else in the middle
  int pad = 0;           ///< pixels of zeros around the image, from which a crop may take
  double rotate = 0;     ///< degrees to either side, cut to the largest upright square inside
  double area = 0;       ///< instead of a crop: the least part of the area that is cut out and
                         ///< resized, of an aspect ratio of 0.8 to 1.2
  double gain = 0;       ///< each channel times 1 - gain to 1 + gain
  double jitter = 0;     ///< brightness, contrast and saturation times 1 - jitter to 1 + jitter,
                         ///< and hues turned by up to a quarter of jitter, in turns
  double grey = 0;       ///< probability
  int randaugment = 0;   ///< so many of 14 operations
  double magnitude = 9;  ///< of randaugment's operations, 0 to 30
  double erase = 0;      ///< probability that a rectangle becomes 0
  double mixup = 0;      ///< alpha: mixed with another image, Beta(alpha, alpha)
  double cutmix = 0;     ///< alpha: a rectangle of another image
  bool bicubic = false;  ///< instead of bilinear, where pixels are mixed

  bool mixes() const { return mixup > 0 || cutmix > 0; }
  /// Whether the choice depends on the pixels themselves.
  bool looks_at_pixels() const { return jitter > 0 || randaugment > 0; }
  int views() const { return mixes() ? 2 : 1; }
};

/// A name that --augment takes.
struct AugmentationRow {
  const char *name, *meaning;
  void (*add)(Augmentation&, int image_size);
};
const std::vector<AugmentationRow>& augmentation_rows();
/// "none", or comma-separated names of rows. @throws Error  naming what is no name
Augmentation parse_augmentation(const std::string& names, int image_size);
/// The other way round, for files: "mirror crop pad 0", and what else there is.
std::string text_of(const Augmentation& augmentation);

/// Draws what a network sees of a training image, size x size.
/// @param pixels  (side, side, 3) of the stored image; may be null unless it looks_at_pixels()
/// @param curve   is filled if the view has_curve
/// @throws ShapeError  if side is smaller than size
View choose_view(const uint8_t* pixels, int side, int size, const Augmentation& augmentation,
                 Random random, Curve& curve);

/// Which other image is mixed into a sample, and how: the second view's `mixed`, `share` and
/// `label_share`.
struct Partner {
  int64_t sample = 0;
  View mix;
};
/// @param samples  of the training set
Partner choose_partner(int64_t samples, int size, const Augmentation& augmentation, uint64_t seed,
                       int64_t epoch, int64_t sample);

/// The middle size x size pixels, rounded as center_crop() does; or their mirror image.
View middle_view(int side, int size, bool mirrored = false);

/// What each of 256 pixel values becomes, by channel.
using NormalizationTable = std::array<std::array<float, 256>, 3>;
NormalizationTable table_of(const Normalization& by);
PixelScale scale_of(const Normalization& by);

/// What a view shows of an image, normalised, by augment() on the CPU.
/// @param to  (size, size, 3)
void show_view(const Image& image, const View& view, const Curve& curve, int size,
               const Normalization& by, float* to);

/// The training transform of one image, without a partner: choose_view() and show_view().
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
