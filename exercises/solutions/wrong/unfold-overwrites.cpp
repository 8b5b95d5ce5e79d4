// expects: fold's result for 3x3
#include "unfold.h"

namespace tweed::exercise {
namespace {

// Calls f(place in columns, place in x) for every pixel of every window that is inside the image.
template <class F>
void for_each_pixel(int height, int width, int channels, int kernel, int stride, int padding, F f) {
  const int down = (height + 2 * padding - kernel) / stride + 1;
  const int across = (width + 2 * padding - kernel) / stride + 1;
  std::size_t place = 0;
  for (int i = 0; i < down; ++i)
    for (int j = 0; j < across; ++j)
      for (int r = 0; r < kernel; ++r)
        for (int s = 0; s < kernel; ++s) {
          const int y = i * stride - padding + r, x = j * stride - padding + s;
          const bool inside = y >= 0 && y < height && x >= 0 && x < width;
          for (int c = 0; c < channels; ++c, ++place)
            if (inside) f(place, std::size_t((y * width + x) * channels + c));
        }
}

}  // namespace

std::vector<float> unfold(const std::vector<float>& x, int height, int width, int channels,
                          int kernel, int stride, int padding) {
  const int down = (height + 2 * padding - kernel) / stride + 1;
  const int across = (width + 2 * padding - kernel) / stride + 1;
  std::vector<float> columns(std::size_t(down * across * kernel * kernel * channels));
  for_each_pixel(height, width, channels, kernel, stride, padding,
                 [&](std::size_t to, std::size_t from) { columns[to] = x[from]; });
  return columns;
}

std::vector<float> fold(const std::vector<float>& columns, int height, int width, int channels,
                        int kernel, int stride, int padding) {
  std::vector<float> x(std::size_t(height * width * channels));
  for_each_pixel(height, width, channels, kernel, stride, padding,
                 [&](std::size_t from, std::size_t to) { x[to] = columns[from]; });
  return x;
}

}  // namespace tweed::exercise
