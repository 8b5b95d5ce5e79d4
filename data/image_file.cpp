// Reading and writing of image files, on top of stb.
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>

#include "data/image.h"
#include "data/whole_file.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

using Bytes = std::vector<uint8_t>;
struct CloseFile {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

Bytes read_bytes(const std::string& path) {
  File file(std::fopen(path.c_str(), "rb"));
  if (!file) throw FormatError(path, std::strerror(errno));
  Bytes bytes;
  uint8_t block[1 << 16];
  while (std::size_t n = std::fread(block, 1, sizeof block, file.get()))
    bytes.insert(bytes.end(), block, block + n);
  if (std::ferror(file.get())) throw FormatError(path, std::strerror(errno));
  return bytes;
}

bool starts_with(const Bytes& bytes, std::initializer_list<uint8_t> start) {
  return bytes.size() >= start.size() && std::equal(start.begin(), start.end(), bytes.begin());
}

// Where the marker after position `i` begins, in compressed data: 0xFF that is followed by neither
// a stuffed 0 nor a restart marker. bytes.size() if there is none.
std::size_t next_marker(const Bytes& bytes, std::size_t i) {
  for (; i + 1 < bytes.size(); ++i) {
    uint8_t code = bytes[i + 1];
    bool restart = code >= 0xD0 && code <= 0xD7;
    if (bytes[i] == 0xFF && code != 0 && code != 0xFF && !restart) return i;
  }
  return bytes.size();
}

// stb decodes a JPEG that is cut short without a word, the rest grey. So walk over its segments (a
// thumbnail within one has an end marker of its own) and look for the end marker.
bool has_jpeg_end(const Bytes& bytes) {
  constexpr uint8_t end_of_image = 0xD9;
  std::size_t i = 2;
  while ((i = next_marker(bytes, i)) < bytes.size()) {
    uint8_t code = bytes[i + 1];
    if (code == end_of_image) return true;
    if (i + 3 >= bytes.size()) return false;
    i += 2 + (std::size_t(bytes[i + 2]) << 8 | bytes[i + 3]);
  }
  return false;
}

void check_kind(const std::string& path, const Bytes& bytes) {
  if (bytes.empty()) throw FormatError(path, "is empty");
  if (starts_with(bytes, {0xFF, 0xD8})) {
    if (!has_jpeg_end(bytes))
      throw FormatError(path, int64_t(bytes.size()), "the JPEG ends here, before its end marker");
  } else if (!starts_with(bytes, {0x89, 'P', 'N', 'G'})) {
    throw FormatError(path, "is neither a JPEG nor a PNG");
  }
  if (bytes.size() > std::size_t(std::numeric_limits<int>::max()))
    throw FormatError(path, "has more than 2 GB");
}

void append(void* to, void* data, int size) {
  auto* begin = static_cast<uint8_t*>(data);
  auto& bytes = *static_cast<Bytes*>(to);
  bytes.insert(bytes.end(), begin, begin + size);
}

}  // namespace

Image decode_image(const std::string& path) {
  Bytes bytes = read_bytes(path);
  check_kind(path, bytes);
  int width = 0, height = 0, channels = 0;
  constexpr int64_t most_pixels = 100'000'000;
  // Asked before decoding: a small damaged file may claim to be enormous.
  if (stbi_info_from_memory(bytes.data(), int(bytes.size()), &width, &height, &channels) &&
      int64_t(width) * height > most_pixels)
    throw FormatError(path, "has " + std::to_string(width) + " x " + std::to_string(height) +
                                " pixels, more than 100 million");
  std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(bytes.data(), int(bytes.size()), &width, &height, &channels, 3),
      stbi_image_free);
  if (!pixels) throw FormatError(path, std::string("is damaged: ") + stbi_failure_reason());
  Image image{height, width, {}};
  image.pixels.assign(pixels.get(), pixels.get() + std::size_t(height) * std::size_t(width) * 3);
  return image;
}

void write_png(const std::string& path, const Image& image) {
  Bytes bytes;
  if (!stbi_write_png_to_func(append, &bytes, image.width, image.height, 3, image.pixels.data(),
                              image.width * 3))
    throw Error(path + ": an image of " + std::to_string(image.height) + " x " +
                std::to_string(image.width) + " cannot be encoded");
  WholeFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace tweed
