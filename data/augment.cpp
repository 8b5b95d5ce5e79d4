#include "data/augment.h"

#include "kernels/machine/error.h"

namespace tweed {
namespace {

Image random_crop(const Image& image, int size, Random& random) {
  if (image.height < size || image.width < size)
    throw ShapeError("[training_crop] " + std::to_string(size) + " x " + std::to_string(size) +
                     " from an image of " + std::to_string(image.height) + " x " +
                     std::to_string(image.width));
  int top = int(random.below(uint32_t(image.height - size + 1)));
  int left = int(random.below(uint32_t(image.width - size + 1)));
  return crop(image, top, left, size, size);
}

Image random_mirror(Image image, Random& random) {
  return random.uniform() < 0.5f ? mirror(image) : image;
}

}  // namespace

Image training_crop(const Image& image, int size, Random random) {
  Image result = random_crop(image, size, random);
  return random_mirror(std::move(result), random);
}

Image validation_crop(const Image& image, int size) { return center_crop(image, size); }

void normalize(const Image& image, const Normalization& by, float* to) {
  // A pixel has one of 256 values.
  std::array<std::array<float, 256>, 3> table;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t v = 0; v < 256; ++v) table[c][v] = (float(v) / 255.f - by.mean[c]) / by.std[c];
  for (std::size_t i = 0; i < image.pixels.size(); i += 3)
    for (std::size_t c = 0; c < 3; ++c) to[i + c] = table[c][image.pixels[i + c]];
}

}  // namespace tweed
