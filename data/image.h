// Images in memory: reading, writing, resizing and cropping.
//
// An Image is a plain value without locks: share it between threads for reading only.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tweed {

/// An RGB image, 8 bits a channel.
struct Image {
  int height = 0, width = 0;
  std::vector<uint8_t> pixels;  ///< (H, W, 3)

  const uint8_t* at(int y, int x) const {
    return pixels.data() + (std::size_t(y) * std::size_t(width) + std::size_t(x)) * 3;
  }
  uint8_t* at(int y, int x) {
    return pixels.data() + (std::size_t(y) * std::size_t(width) + std::size_t(x)) * 3;
  }
  bool operator==(const Image&) const = default;
};

/// Reads a JPEG or PNG file as a browser shows it on a white page: grey becomes RGB, CMYK is
/// converted, photos are turned upright as Exif says, what is transparent lets white through, and
/// of 16 bits the upper 8 count.
///
/// @throws FormatError  if the file is missing, cut short, damaged, or neither JPEG nor PNG
Image decode_image(const std::string& path);

/// The bytes of a PNG file. @throws Error  for an empty image
std::string encode_png(const Image& image);
/// Writes a PNG file, whole or not at all (WholeFile, as is `synced`).
/// @throws Error  if it cannot be written; an older file of that name stays as it was
void write_png(const std::string& path, const Image& image, bool synced = true);

/// bilinear: with antialiasing, a triangle filter whose support grows with the reduction; equal to
/// Pillow's, bit by bit. nearest: the pixel in which a target pixel's centre lies.
enum class Scaling { nearest, bilinear };
/// @throws ShapeError  if the image is empty or a size is below 1
Image resize(const Image& image, int height, int width, Scaling scaling = Scaling::bilinear);
/// The same with the shorter side becoming `size` and the other rounded down, as in torchvision.
Image resize_short_side(const Image& image, int size);

/// The rectangle of the given size with its upper left corner at (top, left).
/// @throws ShapeError  if it is not inside the image
Image crop(const Image& image, int top, int left, int height, int width);
/// The square of `size` in the middle, rounded as in torchvision.
Image center_crop(const Image& image, int size);
/// Left and right exchanged.
Image mirror(const Image& image);

}  // namespace tweed
