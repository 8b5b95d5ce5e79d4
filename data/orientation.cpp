#include "data/orientation.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tweed {
namespace {

// Numbers of a TIFF structure; 0 where it ends before.
struct Tiff {
  std::string_view bytes;
  bool big_endian;

  uint32_t number(std::size_t at, std::size_t size) const {
    if (at > bytes.size() || size > bytes.size() - at) return 0;
    uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
      value = value << 8 | uint8_t(bytes[at + (big_endian ? i : size - 1 - i)]);
    return value;
  }
};

}  // namespace

int exif_orientation(std::string_view tiff) {
  constexpr uint32_t orientation_tag = 0x0112, short_type = 3;
  const bool big = tiff.starts_with(std::string_view("MM\0*", 4));
  if (!big && !tiff.starts_with(std::string_view("II*\0", 4))) return 1;
  const Tiff file{tiff, big};
  const std::size_t directory = file.number(4, 4), count = file.number(directory, 2);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (file.number(entry, 2) != orientation_tag) continue;
    if (file.number(entry + 2, 2) != short_type || file.number(entry + 4, 4) != 1) return 1;
    const uint32_t value = file.number(entry + 8, 2);
    return value >= 1 && value <= 8 ? int(value) : 1;
  }
  return 1;
}

Image upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  // 5 to 8 exchange rows and columns; then either may run backwards.
  const bool exchanged = orientation >= 5;
  const bool down = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const bool left = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  Image result{image.height, image.width, std::vector<uint8_t>(image.pixels.size())};
  if (exchanged) std::swap(result.height, result.width);
  for (int y = 0; y < result.height; ++y)
    for (int x = 0; x < result.width; ++x) {
      const int row = down ? result.height - 1 - y : y, column = left ? result.width - 1 - x : x;
      std::copy_n(exchanged ? image.at(column, row) : image.at(row, column), 3, result.at(y, x));
    }
  return result;
}

}  // namespace tweed
