#include "data/tiny_places/canvas.h"

namespace tweed::scenes {

int Canvas::crossings(const Vec* points, int count, float y, std::array<float, 64>& cuts) {
  int n = 0;
  for (int i = 0, j = count - 1; i < count; j = i++) {
    const Vec &a = points[j], &b = points[i];
    if ((a.y <= y) == (b.y <= y) || n == int(cuts.size())) continue;
    cuts[std::size_t(n++)] = a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x);
  }
  std::sort(cuts.begin(), cuts.begin() + n);
  return n;
}

void Canvas::line(Vec a, Vec b, float from, float to, Rgb color, float alpha) {
  float cell = 1 / float(side_), thinnest = std::max(from, to);
  if (thinnest < cell) {
    alpha *= std::max(0.15f, thinnest / cell);
    from = to = cell;
  }
  float dx = b.x - a.x, dy = b.y - a.y, length = std::sqrt(dx * dx + dy * dy);
  if (length <= 0) return;
  Vec n{-dy / length / 2, dx / length / 2};
  polygon({{a.x + n.x * from, a.y + n.y * from},
           {b.x + n.x * to, b.y + n.y * to},
           {b.x - n.x * to, b.y - n.y * to},
           {a.x - n.x * from, a.y - n.y * from}},
          color, alpha);
}

void Canvas::curve(Vec a, Vec b, Vec c, float from, float to, Rgb color, float alpha) {
  constexpr int pieces = 5;
  Vec before = a;
  for (int i = 1; i <= pieces; ++i) {
    float t = float(i) / pieces, s = 1 - t, earlier = t - 1.f / pieces;
    Vec p{s * s * a.x + 2 * s * t * b.x + t * t * c.x, s * s * a.y + 2 * s * t * b.y + t * t * c.y};
    line(before, p, mix(from, to, earlier), mix(from, to, t), color, alpha);
    before = p;
  }
}

void Canvas::glow(Vec middle, float radius, Rgb color) {
  int x0 = first(middle.x - radius), x1 = first(middle.x + radius);
  int y1 = first(middle.y + radius);
  for (int y = first(middle.y - radius); y < y1; ++y)
    for (int x = x0; x < x1; ++x) {
      float dx = centre(x) - middle.x, dy = centre(y) - middle.y;
      float t = 1 - std::sqrt(dx * dx + dy * dy) / radius;
      if (t > 0) at(x, y) = at(x, y) + color * (t * t);
    }
}

}  // namespace tweed::scenes
