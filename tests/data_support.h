// Pictures and options for the tests of data/.
#pragma once
#include <filesystem>
#include <fstream>
#include <string>

#include "data/dataset.h"

namespace tweed {

/// An image without symmetries; another one for each key.
inline Image pattern(int height, int width, int key = 0) {
  Image image{height, width, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        image.pixels.push_back(uint8_t(37 * y + 91 * x * x + 53 * c + 11 * y * x + 29 * key));
  return image;
}

/// The pixels, for sets: std::less of byte vectors draws a false warning from g++ 12.
inline std::string text_of(const Image& image) {
  return {image.pixels.begin(), image.pixels.end()};
}

/// Images of 16 x 16, stored at 18 x 18.
inline DataOptions small() {
  DataOptions options;
  options.image_size = 16;
  return options;
}

/// Writes a file, and the folders that it lies in.
inline void put_text(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}
/// Writes `count` small images FOLDER/00.png, FOLDER/01.png, ...
inline void put_images(const std::string& folder, int count) {
  std::filesystem::create_directories(folder);
  for (int i = 0; i < count; ++i)
    write_png(folder + "/" + std::to_string(i / 10) + std::to_string(i % 10) + ".png",
              pattern(20, 20, i));
}

/// What f throws, or a sentence that says that it threw nothing.
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace tweed
