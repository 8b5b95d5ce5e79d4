#include "data/image.h"

#include <algorithm>
#include <cmath>

#include "kernels/machine/error.h"

namespace tweed {
namespace {

std::string size_text(int height, int width) {
  return std::to_string(height) + " x " + std::to_string(width);
}

// The source pixels that one target pixel is a weighted mean of. Weights are fixed-point, as in
// Pillow, whose results these equal to the last bit.
constexpr int kFraction = 22;
struct Taps {
  int first = 0;
  std::vector<int> weights;
};

Taps taps_of(int i, int from, int to) {
  double scale = double(from) / to, support = std::max(scale, 1.0);
  double centre = (i + 0.5) * scale;
  int first = std::max(0, int(centre - support + 0.5));
  int last = std::min(from, int(centre + support + 0.5));
  std::vector<double> triangle;
  double sum = 0;
  for (int x = first; x < last; ++x) {
    triangle.push_back(std::max(0.0, 1 - std::abs((x + 0.5 - centre) / support)));
    sum += triangle.back();
  }
  Taps taps{first, {}};
  for (double w : triangle) taps.weights.push_back(int(w / sum * (1 << kFraction) + 0.5));
  return taps;
}

std::vector<Taps> all_taps(int from, int to) {
  std::vector<Taps> result;
  for (int i = 0; i < to; ++i) result.push_back(taps_of(i, from, to));
  return result;
}

// One channel of one target pixel; `step` is the distance between source pixels in bytes.
uint8_t weighted(const uint8_t* from, std::size_t step, const Taps& taps) {
  int sum = 1 << (kFraction - 1);
  for (int w : taps.weights) {
    sum += w * *from;
    from += step;
  }
  return uint8_t(std::clamp(sum >> kFraction, 0, 255));
}

Image resize_width(const Image& image, int width) {
  Image result{image.height, width, {}};
  result.pixels.resize(std::size_t(image.height) * std::size_t(width) * 3);
  auto taps = all_taps(image.width, width);
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < width; ++x) {
      const Taps& t = taps[std::size_t(x)];
      for (int c = 0; c < 3; ++c) result.at(y, x)[c] = weighted(image.at(y, t.first) + c, 3, t);
    }
  return result;
}

Image resize_height(const Image& image, int height) {
  Image result{height, image.width, {}};
  result.pixels.resize(std::size_t(height) * std::size_t(image.width) * 3);
  std::size_t row = std::size_t(image.width) * 3;
  for (int y = 0; y < height; ++y) {
    Taps t = taps_of(y, image.height, height);
    const uint8_t* from = image.at(t.first, 0);
    for (std::size_t i = 0; i < row; ++i) result.at(y, 0)[i] = weighted(from + i, row, t);
  }
  return result;
}

Image nearest(const Image& image, int height, int width) {
  Image result{height, width, {}};
  result.pixels.resize(std::size_t(height) * std::size_t(width) * 3);
  auto source = [](int i, int from, int to) {
    return std::min(int((i + 0.5) * from / to), from - 1);
  };
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      std::copy_n(image.at(source(y, image.height, height), source(x, image.width, width)), 3,
                  result.at(y, x));
  return result;
}

}  // namespace

Image resize(const Image& image, int height, int width, Scaling scaling) {
  if (image.height < 1 || image.width < 1 || height < 1 || width < 1)
    throw ShapeError("[resize] from " + size_text(image.height, image.width) + " to " +
                     size_text(height, width));
  if (scaling == Scaling::nearest) return nearest(image, height, width);
  Image result = width == image.width ? image : resize_width(image, width);
  return height == image.height ? result : resize_height(result, height);
}

Image resize_short_side(const Image& image, int size) {
  int64_t h = image.height, w = image.width;
  if (h < 1 || w < 1) throw ShapeError("[resize_short_side] from " + size_text(int(h), int(w)));
  return h <= w ? resize(image, size, int(size * w / h)) : resize(image, int(size * h / w), size);
}

Image crop(const Image& image, int top, int left, int height, int width) {
  if (top < 0 || left < 0 || height < 1 || width < 1 || height > image.height - top ||
      width > image.width - left)
    throw ShapeError("[crop] " + size_text(height, width) + " at (" + std::to_string(top) + ", " +
                     std::to_string(left) + ") of an image of " +
                     size_text(image.height, image.width));
  Image result{height, width, {}};
  result.pixels.reserve(std::size_t(height) * std::size_t(width) * 3);
  for (int y = top; y < top + height; ++y) {
    const uint8_t* row = image.at(y, left);
    result.pixels.insert(result.pixels.end(), row, row + std::ptrdiff_t(width) * 3);
  }
  return result;
}

Image center_crop(const Image& image, int size) {
  // Rounds halves to even, as Python's round() does.
  auto start = [&](int whole) { return int(std::nearbyint((whole - size) / 2.0)); };
  return crop(image, start(image.height), start(image.width), size, size);
}

Image mirror(const Image& image) {
  Image result{image.height, image.width, std::vector<uint8_t>(image.pixels.size())};
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      std::copy_n(image.at(y, x), 3, result.at(y, image.width - 1 - x));
  return result;
}

}  // namespace tweed
