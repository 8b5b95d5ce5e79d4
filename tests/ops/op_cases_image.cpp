// Image operations: resize, crop, rotate, grey.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "autograd/image_ops.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

// A tent of width 1 about each pixel: what bilinear interpolation weighs pixels with.
double tent(double distance) { return std::max(0.0, 1 - std::abs(distance)); }

// Images of h x w, where each pixel is the sum of all pixels of x, weighed by how far they are from
// the point (row, column) = source(h, w).
template <class F>
Array sampled(const Array& x, int64_t height, int64_t width, F source) {
  const Shape& s = x.shape;
  Array y({s[0], height, width, s[3]});
  for (int64_t oh = 0; oh < height; ++oh)
    for (int64_t ow = 0; ow < width; ++ow) {
      const auto [row, column] = source(double(oh), double(ow));
      for (int64_t n = 0; n < s[0]; ++n)
        for (int64_t c = 0; c < s[3]; ++c)
          for (int64_t h = 0; h < s[1]; ++h)
            for (int64_t w = 0; w < s[2]; ++w)
              y.at(n, oh, ow, c) +=
                  tent(row - double(h)) * tent(column - double(w)) * x.at(n, h, w, c);
    }
  return y;
}
using Point = std::pair<double, double>;

OpCase resize_case(const Shape& x, int64_t height, int64_t width) {
  return {"resize_bilinear",
          x.str() + " to " + std::to_string(height) + " x " + std::to_string(width),
          {{x}},
          [=](auto& in) { return resize_bilinear(in[0], height, width); },
          [=](const Arrays& in) {
            const double H = double(x[1]), W = double(x[2]);
            return sampled(in[0], height, width, [&](double h, double w) {
              return Point{std::clamp((h + 0.5) * H / double(height) - 0.5, 0.0, H - 1),
                           std::clamp((w + 0.5) * W / double(width) - 0.5, 0.0, W - 1)};
            });
          }};
}

OpCase rotate_case(const Shape& x, double degrees) {
  return {
      "rotate",
      x.str() + " by " + std::to_string(degrees),
      {{x}},
      [=](auto& in) { return rotate(in[0], degrees); },
      [=](const Arrays& in) {
        const double middle_h = double(x[1] - 1) / 2, middle_w = double(x[2] - 1) / 2;
        return sampled(in[0], x[1], x[2], [&](double h, double w) {
          // Polar coordinates; rows count downwards, so that the angle does as well.
          const double radius = std::hypot(h - middle_h, w - middle_w);
          const double angle =
              std::atan2(h - middle_h, w - middle_w) + degrees * std::numbers::pi / 180;
          return Point{middle_h + radius * std::sin(angle), middle_w + radius * std::cos(angle)};
        });
      }};
}

OpCase crop_case(const Shape& x, int64_t top, int64_t left, int64_t height, int64_t width) {
  return {"slice",
          "crop of " + x.str(),
          {{x}},
          [=](auto& in) { return crop(in[0], top, left, height, width); },
          [=](const Arrays& in) {
            return sampled(in[0], height, width, [&](double h, double w) {
              return Point{h + double(top), w + double(left)};
            });
          }};
}

OpCase grey_case(const Shape& x) {
  return {"matmul",
          "grey " + x.str(),
          {{x}},
          [](auto& in) { return grey(in[0]); },
          [=](const Arrays& in) {
            Array y(x);
            for (int64_t i = 0; i < x.size(); ++i) {
              const int64_t pixel = i / 3 * 3;
              y[i] = 0.299 * in[0][pixel] + 0.587 * in[0][pixel + 1] + 0.114 * in[0][pixel + 2];
            }
            return y;
          }};
}

}  // namespace

std::vector<OpCase> image_cases() {
  return {
      // Larger, smaller, one of each, the same, from and to one pixel, many channels, none.
      resize_case({2, 3, 4, 3}, 7, 9),
      resize_case({1, 9, 8, 2}, 4, 3),
      resize_case({1, 5, 4, 2}, 3, 8),
      resize_case({1, 4, 4, 3}, 4, 4),
      resize_case({1, 1, 1, 1}, 1, 1),
      resize_case({1, 1, 3, 2}, 4, 2),
      resize_case({1, 6, 5, 2}, 1, 1),
      resize_case({1, 2, 3, 260}, 3, 4),
      resize_case({0, 3, 4, 3}, 5, 2),
      resize_case({1, 17, 2, 1}, 3, 11),
      rotate_case({2, 5, 6, 3}, 30),
      rotate_case({1, 6, 6, 2}, 90),
      rotate_case({1, 4, 7, 2}, -135),
      rotate_case({1, 5, 4, 2}, 0),
      rotate_case({1, 5, 5, 1}, 45),
      rotate_case({1, 8, 3, 2}, 3),
      rotate_case({1, 1, 1, 1}, 20),
      rotate_case({1, 3, 2, 260}, 400),
      rotate_case({0, 3, 4, 3}, 10),
      crop_case({2, 5, 6, 3}, 1, 2, 3, 3),
      crop_case({1, 4, 4, 2}, 0, 0, 4, 4),
      crop_case({1, 4, 4, 2}, 3, 3, 1, 1),
      grey_case({2, 3, 4, 3}),
      grey_case({1, 1, 1, 3}),
      grey_case({0, 2, 2, 3}),
  };
}

}  // namespace tweed
