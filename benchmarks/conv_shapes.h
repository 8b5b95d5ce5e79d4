// The convolutions of a network.
#pragma once
#include <string>
#include <vector>

#include "kernels/conv/direct.h"
#include "nn/module.h"

namespace tweed::bench {

struct ConvShape {
  AnyConv conv;
  int64_t count = 1;        ///< layers of this shape
  int64_t input_count = 1;  ///< those whose input gradient training needs: not the first layer
};

/// The distinct convolutions of a network on images of the given shape (N, H, W, C), in the order
/// of their first layers. One forward pass, on one image.
std::vector<ConvShape> convolutions_of(Module& network, const Shape& images);

/// The depthwise convolutions of MobileNetV2, EfficientNet-B0 and ConvNeXt-T on 224 x 224 pixels.
std::vector<ConvShape> depthwise_convolutions(int64_t images);

/// From "N H W Ci Co K S P", perhaps followed by "G D": images, channels in and out, kernel,
/// stride, padding, groups, dilation. K, S, P and D may be two numbers, as 1x7; P may be 0,0,1,1:
/// top, left, bottom, right.
/// @throws Error  if it is no convolution
ConvShape parse_conv(const std::string& text);
/// "32 64 64 3 64 7 2 3", as parse_conv() takes it.
std::string conv_numbers(const AnyConv& c);
/// "64x64x3 > 64, 7x7/2", "56x56x144 > 144, 3x3, 144 groups"
std::string conv_name(const AnyConv& c);

/// The size of images that a model of make_model() is usually given: 32 or 128.
int64_t usual_image_size(const std::string& model);

}  // namespace tweed::bench
