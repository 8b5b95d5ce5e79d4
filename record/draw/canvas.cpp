#include "record/draw/canvas.h"

#include <algorithm>
#include <cmath>

namespace tweed::draw {
namespace {

uint8_t* pixel(Image& image, int x, int y) {
  return image.pixels.data() + (std::size_t(y) * image.width + x) * 3;
}
const uint8_t* pixel(const Image& image, int x, int y) {
  return image.pixels.data() + (std::size_t(y) * image.width + x) * 3;
}

Rect inside(const Image& image, const Rect& r) {
  int x0 = std::clamp(r.x, 0, image.width), y0 = std::clamp(r.y, 0, image.height);
  int x1 = std::clamp(r.x + r.width, x0, image.width);
  int y1 = std::clamp(r.y + r.height, y0, image.height);
  return {x0, y0, x1 - x0, y1 - y0};
}

void blend(uint8_t* p, Color color, double opacity) {
  const uint8_t c[3] = {color.r, color.g, color.b};
  for (int i = 0; i < 3; ++i) p[i] = uint8_t(std::lround(p[i] + (c[i] - p[i]) * opacity));
}

// ---- lines -------------------------------------------------------------------------------------

struct Segment {
  Point a, b;
};

double distance(const Segment& s, double x, double y) {
  double dx = s.b.x - s.a.x, dy = s.b.y - s.a.y, square = dx * dx + dy * dy;
  double t = square > 0 ? ((x - s.a.x) * dx + (y - s.a.y) * dy) / square : 0;
  t = std::clamp(t, 0.0, 1.0);
  return std::hypot(s.a.x + t * dx - x, s.a.y + t * dy - y);
}

std::vector<Segment> segments_of(const std::vector<Path>& paths) {
  std::vector<Segment> segments;
  for (const Path& path : paths) {
    if (path.size() == 1) segments.push_back({path[0], path[0]});
    for (std::size_t i = 1; i < path.size(); ++i) segments.push_back({path[i - 1], path[i]});
  }
  return segments;
}

}  // namespace

Image blank_image(int height, int width, Color color) {
  Image image;
  image.height = height;
  image.width = width;
  image.pixels.resize(std::size_t(height) * width * 3);
  fill_rect(image, {0, 0, width, height}, color);
  return image;
}

void fill_rect(Image& onto, const Rect& rect, Color color) {
  Rect r = inside(onto, rect);
  for (int y = r.y; y < r.y + r.height; ++y)
    for (int x = r.x; x < r.x + r.width; ++x) {
      uint8_t* p = pixel(onto, x, y);
      p[0] = color.r;
      p[1] = color.g;
      p[2] = color.b;
    }
}

void draw_frame(Image& onto, const Rect& r, Color color, int w) {
  fill_rect(onto, {r.x - w, r.y - w, r.width + 2 * w, w}, color);
  fill_rect(onto, {r.x - w, r.y + r.height, r.width + 2 * w, w}, color);
  fill_rect(onto, {r.x - w, r.y, w, r.height}, color);
  fill_rect(onto, {r.x + r.width, r.y, w, r.height}, color);
}

void draw_image(Image& onto, int x, int y, const Image& image) {
  Rect r = inside(onto, {x, y, image.width, image.height});
  if (r.width == 0) return;
  for (int row = r.y; row < r.y + r.height; ++row)
    std::copy_n(pixel(image, r.x - x, row - y), std::size_t(r.width) * 3, pixel(onto, r.x, row));
}

void draw_image(Image& onto, const Rect& place, const Image& image, Scaling scaling) {
  if (place.width <= 0 || place.height <= 0 || image.pixels.empty()) return;
  if (place.width == image.width && place.height == image.height)
    draw_image(onto, place.x, place.y, image);
  else
    draw_image(onto, place.x, place.y, resize(image, place.height, place.width, scaling));
}

void draw_paths(Image& onto, const std::vector<Path>& paths, Color color, double width) {
  std::vector<Segment> segments = segments_of(paths);
  if (segments.empty()) return;
  double left = segments[0].a.x, right = left, top = segments[0].a.y, bottom = top;
  for (const Segment& s : segments) {
    left = std::min({left, s.a.x, s.b.x});
    right = std::max({right, s.a.x, s.b.x});
    top = std::min({top, s.a.y, s.b.y});
    bottom = std::max({bottom, s.a.y, s.b.y});
  }
  double reach = width / 2 + 1;
  int x0 = std::max(0, int(std::floor(left - reach)));
  int x1 = std::min(onto.width, int(std::ceil(right + reach)));
  int y0 = std::max(0, int(std::floor(top - reach)));
  int y1 = std::min(onto.height, int(std::ceil(bottom + reach)));
  // A pixel is covered as far as the nearest stroke reaches over it: joints are not drawn twice.
  for (int y = y0; y < y1; ++y)
    for (int x = x0; x < x1; ++x) {
      double nearest = reach;
      for (const Segment& s : segments) {
        if (std::min(s.a.y, s.b.y) > y + 0.5 + reach || std::max(s.a.y, s.b.y) < y + 0.5 - reach)
          continue;
        nearest = std::min(nearest, distance(s, x + 0.5, y + 0.5));
      }
      double cover = std::clamp(width / 2 + 0.5 - nearest, 0.0, 1.0);
      if (cover > 0) blend(pixel(onto, x, y), color, cover);
    }
}

}  // namespace tweed::draw
