#pragma once
#include <vector>

namespace tweed::exercise {

/// The windows of an image as rows of a matrix, so that a convolution is a product: row (i, j) has
/// the pixels that output pixel (i, j) is made of, 0 where the window is beyond the image.
///
/// @param x  (height, width, channels)
/// @return   (out_height * out_width, kernel * kernel * channels), where
///           out = (size + 2 padding - kernel) / stride + 1
std::vector<float> unfold(const std::vector<float>& x, int height, int width, int channels,
                          int kernel, int stride, int padding);

/// The way back: adds each window's pixels up where they came from. Its result is the gradient of
/// x, if `columns` is that of unfold's result.
/// @return  (height, width, channels)
std::vector<float> fold(const std::vector<float>& columns, int height, int width, int channels,
                        int kernel, int stride, int padding);

}  // namespace tweed::exercise
