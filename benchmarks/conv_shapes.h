// The convolutions of a network.
#pragma once
#include <string>
#include <vector>

#include "kernels/conv/direct.h"
#include "nn/module.h"

namespace tweed::bench {

struct ConvShape {
  Conv conv;
  int64_t count = 1;        ///< layers of this shape
  int64_t input_count = 1;  ///< those whose input gradient training needs: not the first layer
};

/// The distinct convolutions of a network on images of the given shape (N, H, W, C), in the order
/// of their first layers. One forward pass, on one image.
std::vector<ConvShape> convolutions_of(Module& network, const Shape& images);

/// From "N H W Ci Co K S P": images, channels in and out, kernel, stride, padding.
/// @throws Error  if it is not eight numbers that make a convolution
ConvShape parse_conv(const std::string& text);
/// "32 64 64 3 64 7 2 3", as parse_conv() takes it.
std::string conv_numbers(const Conv& c);
/// "64x64x3 > 64, 7x7/2"
std::string conv_name(const Conv& c);

/// The size of images that a model of make_model() is usually given: 32 or 128.
int64_t usual_image_size(const std::string& model);

}  // namespace tweed::bench
