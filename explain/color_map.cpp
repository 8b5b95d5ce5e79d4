#include "explain/color_map.h"

#include <algorithm>
#include <cmath>

#include "autograd/functions.h"
#include "explain/saliency.h"
#include "kernels/machine/printable.h"

namespace tweed {
namespace {

const std::pair<const char*, Colors> color_table[] = {{"red", Colors::red},
                                                      {"grey", Colors::grey},
                                                      {"dusk", Colors::dusk},
                                                      {"ember", Colors::ember},
                                                      {"signed", Colors::signed_}};

struct Lab {
  double lightness, chroma, hue;  // hue in degrees
};
using Rgb = std::array<double, 3>;  // linear, 0..1 where a screen can show it

Rgb linear_rgb(const Lab& c) {
  const double angle = c.hue * 3.14159265358979 / 180;
  const double a = c.chroma * std::cos(angle), b = c.chroma * std::sin(angle);
  const auto cube = [](double v) { return v * v * v; };
  const double l = cube(c.lightness + 0.3963377774 * a + 0.2158037573 * b),
               m = cube(c.lightness - 0.1055613458 * a - 0.0638541728 * b),
               s = cube(c.lightness - 0.0894841775 * a - 1.2914855480 * b);
  return {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
          -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
          -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}
bool can_be_shown(const Rgb& c) {
  return std::all_of(c.begin(), c.end(), [](double v) { return v >= -1e-4 && v <= 1 + 1e-4; });
}
uint8_t screen_value(double linear) {
  const double v = std::clamp(linear, 0.0, 1.0);
  const double gamma = v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1 / 2.4) - 0.055;
  return uint8_t(255 * gamma + 0.5);
}
// The same lightness and hue, paler if a screen cannot show the chroma.
std::array<uint8_t, 3> shown(Lab c) {
  if (!can_be_shown(linear_rgb(c))) {
    double good = 0, bad = c.chroma;
    for (int i = 0; i < 12; ++i) {
      c.chroma = (good + bad) / 2;
      (can_be_shown(linear_rgb(c)) ? good : bad) = c.chroma;
    }
    c.chroma = good;
  }
  const Rgb rgb = linear_rgb(c);
  return {screen_value(rgb[0]), screen_value(rgb[1]), screen_value(rgb[2])};
}

double between(double first, double last, double part) { return first + (last - first) * part; }

}  // namespace

std::vector<std::string> color_names() {
  std::vector<std::string> all;
  for (auto& [name, colors] : color_table) all.emplace_back(name);
  return all;
}

Colors parse_colors(const std::string& name) {
  for (auto& [known, colors] : color_table)
    if (name == known) return colors;
  throw Error("there are no colours " + in_quotes(name) +
              "; there are red, grey, dusk, ember, signed");
}

std::array<uint8_t, 3> color_of(double value, Colors colors) {
  const double v = std::clamp(value, -1.0, 1.0), part = std::abs(v);
  switch (colors) {
    case Colors::dusk:
      return shown({between(0.22, 0.93, part), 0.14, between(305, 108, part)});
    case Colors::ember:
      return shown({between(0.17, 0.96, part), 0.17, between(-45, 100, part)});
    case Colors::signed_:
      return shown({between(0.98, 0.45, part), between(0, 0.2, part), v < 0 ? 258.0 : 27.0});
    default:  // a screen's own greys are even enough
      const auto grey = uint8_t(255 * part + 0.5);
      return {grey, grey, grey};
  }
}

std::vector<double> as_fractions(const Tensor& map, bool keep_sign) {
  auto values = map.to_doubles();
  if (values.empty()) return values;
  if (!keep_sign) {
    for (double& v : values) v = std::abs(v);
    const double least = *std::min_element(values.begin(), values.end());
    for (double& v : values) v -= least;
  }
  auto sizes = values;
  for (double& v : sizes) v = std::abs(v);
  const auto place = sizes.begin() + std::ptrdiff_t((sizes.size() - 1) * 199 / 200);
  std::nth_element(sizes.begin(), place, sizes.end());
  // Where less than one in 200 is not 0, the largest.
  const double top = *place > 0 ? *place : *std::max_element(sizes.begin(), sizes.end());
  for (double& v : values) v = top > 0 ? std::clamp(v / top, -1.0, 1.0) : 0;
  return values;
}

Image draw_map(const Tensor& map, Colors colors) {
  Image image{int(map.dim(0)), int(map.dim(1)), {}};
  for (double v : as_fractions(map, colors == Colors::signed_)) {
    const auto color = color_of(v, colors);
    image.pixels.insert(image.pixels.end(), color.begin(), color.end());
  }
  return image;
}

Image map_overlay(const Image& image, const Tensor& map, Colors colors) {
  if (colors == Colors::red) return saliency_overlay(image, abs(map.detach()));
  if (map.shape() != Shape{image.height, image.width})
    fail("map_overlay", "the map is ", map.shape(), ", the image ",
         Shape{image.height, image.width});
  const auto values = as_fractions(map, colors == Colors::signed_);
  Image result = image;
  for (std::size_t i = 0; i < values.size(); ++i) {
    uint8_t* pixel = &result.pixels[3 * i];
    const double grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
    const double weight = 0.35 + 0.4 * std::abs(values[i]);
    const auto color = color_of(values[i], colors);
    for (std::size_t c = 0; c < 3; ++c) pixel[c] = uint8_t(between(grey, color[c], weight) + 0.5);
  }
  return result;
}

}  // namespace tweed
