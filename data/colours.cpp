#include "data/colours.h"

#include <algorithm>

#include "data/affine.h"

namespace tweed {

double grey_of(const std::array<double, 3>& colour) {
  return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];
}

ColourMap ColourMap::saturation(double amount) {
  ColourMap map;
  const double grey[] = {0.299, 0.587, 0.114};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      map.m[i][j] = (i == j ? amount : 0) + (1 - amount) * grey[j];
  return map;
}

ColourMap ColourMap::contrast(double amount, double grey) {
  ColourMap map = gain(amount, amount, amount);
  for (auto& row : map.m) row[3] = (1 - amount) * grey;
  return map;
}

ColourMap ColourMap::hue(double angle) {
  const double c = std::cos(angle), s = std::sin(angle);
  ColourMap map;
  map.m = {
      {{.213 + c * .787 - s * .213, .715 - c * .715 - s * .715, .072 - c * .072 + s * .928, 0},
       {.213 - c * .213 + s * .143, .715 + c * .285 + s * .140, .072 - c * .072 - s * .283, 0},
       {.213 - c * .213 - s * .787, .715 - c * .715 + s * .715, .072 + c * .928 + s * .072, 0}}};
  return map;
}

ColourMap ColourMap::after(const ColourMap& before) const {
  ColourMap map;
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 4; ++j) {
      map.m[i][j] = j == 3 ? m[i][3] : 0;
      for (std::size_t k = 0; k < 3; ++k) map.m[i][j] += m[i][k] * before.m[k][j];
    }
  return map;
}

std::array<double, 3> ColourMap::of(const std::array<double, 3>& colour) const {
  std::array<double, 3> result{};
  for (std::size_t i = 0; i < 3; ++i)
    result[i] = m[i][0] * colour[0] + m[i][1] * colour[1] + m[i][2] * colour[2] + m[i][3];
  return result;
}

namespace {

template <class F>
Curve curve_of(F f) {
  Curve curve;
  for (std::size_t c = 0; c < 3; ++c)
    for (int v = 0; v < 256; ++v) curve[c][std::size_t(v)] = uint8_t(std::clamp(f(c, v), 0, 255));
  return curve;
}

}  // namespace

Curve identity_curve() {
  return curve_of([](std::size_t, int v) { return v; });
}

Histogram histogram_of(const uint8_t* pixels, int64_t count) {
  Histogram histogram{};
  for (int64_t i = 0; i < count; ++i)
    for (std::size_t c = 0; c < 3; ++c) ++histogram[c][pixels[3 * i + int64_t(c)]];
  return histogram;
}

Histogram histogram_after(const Histogram& before, const Curve& curve) {
  Histogram histogram{};
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t v = 0; v < 256; ++v) histogram[c][curve[c][v]] += before[c][v];
  return histogram;
}

std::array<double, 3> mean_of(const uint8_t* pixels, int64_t count) {
  std::array<int64_t, 3> sum{};
  for (int64_t i = 0; i < count; ++i)
    for (std::size_t c = 0; c < 3; ++c) sum[c] += pixels[3 * i + int64_t(c)];
  std::array<double, 3> mean{};
  for (std::size_t c = 0; c < 3; ++c)
    mean[c] = double(sum[c]) / double(std::max<int64_t>(1, count));
  return mean;
}

Curve posterize_curve(int bits) {
  const int mask = 0xff & ~((1 << (8 - bits)) - 1);
  return curve_of([mask](std::size_t, int v) { return v & mask; });
}

Curve solarize_curve(double threshold) {
  return curve_of([threshold](std::size_t, int v) { return v >= threshold ? 255 - v : v; });
}

Curve autocontrast_curve(const Histogram& histogram) {
  std::array<int, 3> low{}, high{};
  for (std::size_t c = 0; c < 3; ++c) {
    low[c] = 0, high[c] = 255;
    while (low[c] < 255 && histogram[c][std::size_t(low[c])] == 0) ++low[c];
    while (high[c] > 0 && histogram[c][std::size_t(high[c])] == 0) --high[c];
  }
  return curve_of([&](std::size_t c, int v) {
    if (high[c] <= low[c]) return v;
    const double scale = 255.0 / (high[c] - low[c]);
    return int(v * scale - low[c] * scale);
  });
}

Curve equalize_curve(const Histogram& histogram) {
  Curve curve = identity_curve();
  for (std::size_t c = 0; c < 3; ++c) {
    const auto& h = histogram[c];
    int64_t total = 0, last = 0, values = 0;
    for (int64_t count : h)
      if (count) total += count, last = count, ++values;
    const int64_t step = (total - last) / 255;
    if (values <= 1 || step == 0) continue;
    int64_t n = step / 2;
    for (std::size_t v = 0; v < 256; ++v) {
      curve[c][v] = uint8_t(std::min<int64_t>(255, n / step));
      n += h[v];
    }
  }
  return curve;
}

Curve chained(const Curve& first, const Curve& second) {
  Curve curve;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t v = 0; v < 256; ++v) curve[c][v] = second[c][first[c][v]];
  return curve;
}

}  // namespace tweed
