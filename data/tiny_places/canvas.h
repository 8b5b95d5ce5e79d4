// What TinyPlaces' scenes are painted on: linear RGB in floats, points in units of the picture.
//
// Coordinates: x from 0 (left) to 1 (right), y from 0 (top) to 1 (bottom); shapes may reach beyond.
// Later paint covers earlier paint. The camera (camera.h) cuts the photo out of the canvas.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace tweed::scenes {

struct Rgb {
  float r = 0, g = 0, b = 0;
};
inline Rgb operator+(Rgb a, Rgb b) { return {a.r + b.r, a.g + b.g, a.b + b.b}; }
inline Rgb operator*(Rgb a, Rgb b) { return {a.r * b.r, a.g * b.g, a.b * b.b}; }
inline Rgb operator*(Rgb a, float s) { return {a.r * s, a.g * s, a.b * s}; }
inline Rgb mix(Rgb a, Rgb b, float t) { return a * (1 - t) + b * t; }
inline float mix(float a, float b, float t) { return a + (b - a) * t; }
inline float clamp01(float v) { return v < 0 ? 0 : v > 1 ? 1 : v; }
/// 0 up to a, 1 from b on, smooth between.
inline float smooth(float a, float b, float v) {
  float t = clamp01((v - a) / (b - a));
  return t * t * (3 - 2 * t);
}
inline float brightness(Rgb c) { return 0.3f * c.r + 0.6f * c.g + 0.1f * c.b; }

struct Vec {
  float x = 0, y = 0;
};
using Outline = std::vector<Vec>;

class Canvas {
 public:
  /// side x side cells.
  explicit Canvas(int side)
      : side_(side), cells_(static_cast<std::size_t>(side) * static_cast<std::size_t>(side)) {}

  int side() const { return side_; }
  Rgb& at(int x, int y) { return cells_[std::size_t(y) * std::size_t(side_) + std::size_t(x)]; }
  const Rgb& at(int x, int y) const {
    return cells_[std::size_t(y) * std::size_t(side_) + std::size_t(x)];
  }
  /// The cell that holds (x, y), or the nearest one.
  int column(float x) const { return std::clamp(int(x * float(side_)), 0, side_ - 1); }
  Rgb near(float x, float y) const { return at(column(x), column(y)); }
  /// The centre of a column or row.
  float centre(int i) const { return (float(i) + 0.5f) / float(side_); }
  /// Columns or rows whose centres lie in [from, to): first and one past the last.
  int first(float from) const {
    return std::clamp(int(std::ceil(from * float(side_) - 0.5f)), 0, side_);
  }

  /// Paints the rectangle with shade(x, y) -> Rgb.
  template <class Shade>
  void fill(float left, float top, float right, float bottom, Shade&& shade) {
    int x1 = first(right), y1 = first(bottom), x0 = first(left);
    for (int y = first(top); y < y1; ++y)
      for (int x = x0; x < x1; ++x) at(x, y) = shade(centre(x), centre(y));
  }

  /// Fills a polygon (even-odd rule) with shade(x, y) -> Rgb, mixed in with `alpha`.
  template <class Shade>
  void polygon(const Vec* points, int count, Shade&& shade, float alpha = 1) {
    float top = 1e9f, bottom = -1e9f;
    for (int i = 0; i < count; ++i) {
      top = std::min(top, points[i].y);
      bottom = std::max(bottom, points[i].y);
    }
    int y1 = first(bottom);
    for (int y = first(top); y < y1; ++y) {
      std::array<float, 64> cuts;
      int n = crossings(points, count, centre(y), cuts);
      for (int i = 0; i + 1 < n; i += 2) {
        int x1 = first(cuts[std::size_t(i) + 1]);
        for (int x = first(cuts[std::size_t(i)]); x < x1; ++x)
          at(x, y) = alpha == 1 ? shade(centre(x), centre(y))
                                : mix(at(x, y), shade(centre(x), centre(y)), alpha);
      }
    }
  }
  template <class Shade>
  void polygon(const Outline& points, Shade&& shade, float alpha = 1) {
    polygon(points.data(), int(points.size()), shade, alpha);
  }
  void polygon(std::initializer_list<Vec> points, Rgb color, float alpha = 1) {
    polygon(
        points.begin(), int(points.size()), [=](float, float) { return color; }, alpha);
  }
  void polygon(const Outline& points, Rgb color, float alpha = 1) {
    polygon(
        points.data(), int(points.size()), [=](float, float) { return color; }, alpha);
  }
  void rectangle(float left, float top, float right, float bottom, Rgb color, float alpha = 1) {
    polygon({{left, top}, {right, top}, {right, bottom}, {left, bottom}}, color, alpha);
  }

  /// Fills an ellipse with shade(x, y) -> Rgb.
  template <class Shade>
  void ellipse(Vec middle, float rx, float ry, Shade&& shade, float alpha = 1) {
    int y1 = first(middle.y + ry);
    for (int y = first(middle.y - ry); y < y1; ++y) {
      float t = (centre(y) - middle.y) / ry, half = rx * std::sqrt(std::max(0.f, 1 - t * t));
      int x1 = first(middle.x + half);
      for (int x = first(middle.x - half); x < x1; ++x)
        at(x, y) = mix(at(x, y), shade(centre(x), centre(y)), alpha);
    }
  }
  void ellipse(Vec middle, float rx, float ry, Rgb color, float alpha = 1) {
    ellipse(
        middle, rx, ry, [=](float, float) { return color; }, alpha);
  }

  /// A straight stroke, `from` and `to` wide at its ends. One thinner than a cell is drawn a cell
  /// wide and fainter.
  void line(Vec a, Vec b, float from, float to, Rgb color, float alpha = 1);
  void line(Vec a, Vec b, float width, Rgb color, float alpha = 1) {
    line(a, b, width, width, color, alpha);
  }
  /// A stroke along a quadratic curve a -> c, bent towards b.
  void curve(Vec a, Vec b, Vec c, float from, float to, Rgb color, float alpha = 1);
  /// Light that fades to nothing at `radius`, added.
  void glow(Vec middle, float radius, Rgb color);

 private:
  // Where a horizontal line cuts the outline, ascending. Returns how many cuts.
  static int crossings(const Vec* points, int count, float y, std::array<float, 64>& cuts);

  int side_;
  std::vector<Rgb> cells_;
};

}  // namespace tweed::scenes
