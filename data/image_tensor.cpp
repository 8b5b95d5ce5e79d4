#include "data/image_tensor.h"

namespace tweed {

Tensor to_tensor(const Image& image, const Normalization& by, Device device) {
  std::vector<float> values(image.pixels.size());
  normalize(image, by, values.data());
  return Tensor::from(values, {1, image.height, image.width, 3}, device);
}

}  // namespace tweed
