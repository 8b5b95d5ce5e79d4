#include "data/augment.h"

#include "kernels/machine/error.h"

namespace tweed {
View choose_view(int side, int size, const Augmentation& augmentation, Random random) {
  if (side < size)
    throw ShapeError("[choose_view] " + std::to_string(size) + " x " + std::to_string(size) +
                     " from an image of " + std::to_string(side) + " x " + std::to_string(side));
  View view{(side - size) / 2, (side - size) / 2};
  if (augmentation.crop) {
    const int pad = augmentation.pad;
    const auto places = uint32_t(side + 2 * pad - size + 1);
    view.top = int(random.below(places)) - pad;
    view.left = int(random.below(places)) - pad;
  }
  view.mirrored = augmentation.mirror && random.uniform() < 0.5f;
  return view;
}

NormalizationTable table_of(const Normalization& by) {
  NormalizationTable table;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t v = 0; v < 256; ++v) table[c][v] = (float(v) / 255.f - by.mean[c]) / by.std[c];
  return table;
}

void training_view(const Image& image, int size, const Augmentation& augmentation,
                   const Normalization& by, Random random, float* to) {
  const View view = choose_view(image.height, size, augmentation, random);
  const NormalizationTable table = table_of(by);
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x, to += 3) {
      const int from_y = view.top + y, from_x = view.left + (view.mirrored ? size - 1 - x : x);
      const bool inside =
          from_y >= 0 && from_y < image.height && from_x >= 0 && from_x < image.width;
      const uint8_t* pixel = inside ? image.at(from_y, from_x) : nullptr;
      for (std::size_t c = 0; c < 3; ++c) to[c] = pixel ? table[c][pixel[c]] : 0.f;
    }
}

Image validation_crop(const Image& image, int size) { return center_crop(image, size); }

void normalize(const Image& image, const Normalization& by, float* to) {
  const NormalizationTable table = table_of(by);
  for (std::size_t i = 0; i < image.pixels.size(); i += 3)
    for (std::size_t c = 0; c < 3; ++c) to[i + c] = table[c][image.pixels[i + c]];
}

}  // namespace tweed
