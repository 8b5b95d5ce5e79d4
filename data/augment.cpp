#include "data/augment.h"

#include "kernels/machine/error.h"

namespace tweed {
namespace {

// Where a view begins, which may be in the padding.
struct Place {
  int top = 0, left = 0;
};

Place choose_place(const Image& image, int size, const Augmentation& augmentation, Random& random) {
  if (!augmentation.crop) return {(image.height - size) / 2, (image.width - size) / 2};
  const int pad = augmentation.pad;
  const int top = int(random.below(uint32_t(image.height + 2 * pad - size + 1)));
  const int left = int(random.below(uint32_t(image.width + 2 * pad - size + 1)));
  return {top - pad, left - pad};
}

// A pixel has one of 256 values.
using Table = std::array<std::array<float, 256>, 3>;
Table table_of(const Normalization& by) {
  Table table;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t v = 0; v < 256; ++v) table[c][v] = (float(v) / 255.f - by.mean[c]) / by.std[c];
  return table;
}

}  // namespace

void training_view(const Image& image, int size, const Augmentation& augmentation,
                   const Normalization& by, Random random, float* to) {
  if (image.height < size || image.width < size)
    throw ShapeError("[training_view] " + std::to_string(size) + " x " + std::to_string(size) +
                     " from an image of " + std::to_string(image.height) + " x " +
                     std::to_string(image.width));
  const Place place = choose_place(image, size, augmentation, random);
  const bool mirrored = augmentation.mirror && random.uniform() < 0.5f;
  const Table table = table_of(by);
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x, to += 3) {
      const int from_y = place.top + y, from_x = place.left + (mirrored ? size - 1 - x : x);
      const bool inside =
          from_y >= 0 && from_y < image.height && from_x >= 0 && from_x < image.width;
      const uint8_t* pixel = inside ? image.at(from_y, from_x) : nullptr;
      for (std::size_t c = 0; c < 3; ++c) to[c] = pixel ? table[c][pixel[c]] : 0.f;
    }
}

Image validation_crop(const Image& image, int size) { return center_crop(image, size); }

void normalize(const Image& image, const Normalization& by, float* to) {
  const Table table = table_of(by);
  for (std::size_t i = 0; i < image.pixels.size(); i += 3)
    for (std::size_t c = 0; c < 3; ++c) to[i + c] = table[c][image.pixels[i + c]];
}

}  // namespace tweed
