// Icebergs: blocks, domes and pinnacles of ice with flat facets, afloat among floes.
#include "data/tiny_places/scene.h"

namespace tweed::scenes {
namespace {

struct Ice {
  Rgb snow, face, deep;
};

// The outline above the water from left to right, heights 0...1.
Outline profile(Scene& s) {
  int kind = s.below(4), points = 5 + s.below(5);
  float peak = s.uniform(0.2f, 0.8f), second = s.uniform(0.1f, 0.9f);
  Outline line;
  for (int i = 0; i <= points; ++i) {
    float t = float(i) / float(points), h = 0;
    if (i > 0 && i < points) t += s.uniform(-0.35f, 0.35f) / float(points);
    if (kind == 0) h = s.uniform(0.75f, 0.9f) + 0.1f * t;  // table
    if (kind == 1)
      h = std::max(0.15f, 1 - 1.9f * std::abs(t - peak)) + s.uniform(-.1f, .1f);  // pinnacle
    if (kind == 2)
      h = std::sqrt(clamp01(1 - 4 * (t - .5f) * (t - .5f))) * s.uniform(0.75f, 1);  // dome
    if (kind == 3)
      h = std::max({0.1f, 1 - 3 * std::abs(t - peak), 0.8f - 3.2f * std::abs(t - second)}) +
          s.uniform(-.06f, .06f);
    if (i == 0 || i == points) h = kind == 0 ? s.uniform(0.5f, 0.8f) : s.uniform(0, 0.25f);
    line.push_back({t, std::max(0.03f, h)});
  }
  return line;
}

void draw_berg(Scene& s, Vec foot, float width, float height, float depth, const Ice& ice) {
  Outline top = profile(s);
  const Noise& n = noise();
  float ox = s.uniform(0, 1);
  auto place = [&](Vec p) { return Vec{foot.x + (p.x - 0.5f) * width, foot.y - p.y * height}; };
  // A ridge in front of the outline, from which facets fall to the water: one light, one dark.
  Outline ridge;
  for (Vec p : top) ridge.push_back({p.x + s.uniform(-0.1f, 0.1f), p.y * s.uniform(0.4f, 0.85f)});
  auto shade = [&](float toward, Rgb base) {
    return [&s, &n, base, toward, ox, depth, foot, height, ice](float x, float y) {
      float streak = n(x * 1.1f + ox, y * 2.3f) - 0.5f,
            low = smooth(0.25f, 0, (foot.y - y) / height);
      Rgb color = mix(base, ice.deep, 0.55f * low);
      return s.hazed(s.lit(color * (1 + 0.3f * streak), clamp01(toward + 0.5f * streak)), depth);
    };
  };
  for (std::size_t i = 0; i + 1 < top.size(); ++i) {
    Vec a = place(top[i]), b = place(top[i + 1]), c = place(ridge[i + 1]), d = place(ridge[i]);
    float slope = (b.y - a.y) / std::max(0.01f, b.x - a.x);
    float toward = clamp01(0.55f + 0.3f * slope * s.light.side + s.uniform(-0.12f, 0.12f));
    s.canvas.polygon({a, b, c, d}, shade(clamp01(toward + 0.25f), ice.snow));
    Vec e{c.x + s.uniform(-0.03f, 0.03f) * width, foot.y},
        f{d.x + s.uniform(-0.03f, 0.03f) * width, foot.y};
    float split = s.uniform(0.3f, 0.7f);
    Vec m{mix(d.x, c.x, split), mix(d.y, c.y, split)},
        k{mix(f.x, e.x, split + s.uniform(-.2f, .2f)), foot.y};
    s.canvas.polygon({d, m, k, f}, shade(clamp01(toward - s.light.side * 0.3f), ice.face));
    s.canvas.polygon({m, c, e, k}, shade(clamp01(toward + s.light.side * 0.3f), ice.face));
  }
  s.canvas.polygon({place({0.02f, 0.015f}),
                    place({0.98f, 0.015f}),
                    {foot.x + width * 0.48f, foot.y + 0.006f},
                    {foot.x - width * 0.48f, foot.y + 0.006f}},
                   s.hazed(s.lit(ice.deep * 0.6f, 0.2f), depth));
}

void draw_floe(Scene& s, Vec at, float size, float depth, const Ice& ice) {
  Outline line;
  int corners = 5 + s.below(4);
  for (int i = 0; i < corners; ++i) {
    float turn = 6.28f * (float(i) + s.uniform(-0.3f, 0.3f)) / float(corners);
    line.push_back({at.x + size * std::cos(turn) * s.uniform(0.7f, 1.1f),
                    at.y + size * 0.28f * std::sin(turn)});
  }
  Outline side = line;
  for (Vec& p : side) p.y += size * 0.12f;
  s.canvas.polygon(side, s.hazed(s.lit(ice.deep, 0.2f), depth));
  s.canvas.polygon(line, s.hazed(s.lit(ice.snow, s.uniform(0.6f, 0.9f)), depth));
}

}  // namespace

void draw_iceberg(Scene& s) {
  s.horizon = s.uniform(0.3f, 0.58f);
  draw_sky(s, s.horizon);
  Ice ice;
  ice.snow = s.one_of({{.92f, .95f, .98f}, {.85f, .9f, .95f}, {.8f, .8f, .8f}}, 0.06f);
  ice.face =
      s.one_of({{.72f, .84f, .92f}, {.6f, .78f, .88f}, {.82f, .87f, .9f}, {.7f, .72f, .74f}}, 0.1f);
  ice.deep = s.one_of({{.25f, .6f, .68f}, {.2f, .45f, .62f}, {.45f, .6f, .66f}}, 0.2f);
  if (s.chance(0.35f))
    draw_range(s, s.horizon, s.uniform(0.06f, 0.25f), 0.55f,
               s.one_of({{.75f, .78f, .84f}, {.3f, .32f, .36f}}), s.uniform(1.2f, 2.4f));
  for (int i = s.below(4); i > 0; --i)
    draw_berg(s, {s.uniform(0, 1), s.horizon + 0.004f}, s.uniform(0.08f, 0.25f),
              s.uniform(0.03f, 0.1f), 1.2f, ice);
  // The bergs' feet and the water meet on one line, where it mirrors them.
  float waterline = s.horizon + s.uniform(0.02f, 0.12f);
  Rgb water =
      s.one_of({{.06f, .16f, .24f}, {.1f, .24f, .3f}, {.16f, .2f, .24f}, {.05f, .1f, .16f}});
  draw_water(s, s.horizon, water, s.uniform(0.1f, 0.5f));
  int bergs = s.chance(0.6f) ? 1 : 2;
  for (int i = 0; i < bergs; ++i) {
    float width = s.uniform(0.35f, 0.85f) / (bergs == 2 ? 1.5f : 1),
          height = width * s.uniform(0.35f, 0.85f);
    float x = bergs == 1 ? s.uniform(0.3f, 0.7f) : s.uniform(0.15f, 0.35f) + 0.5f * float(i);
    draw_berg(s, {x, waterline}, width, std::min(height, waterline - 0.06f), s.uniform(0.1f, 0.5f),
              ice);
  }
  draw_mirror(s, waterline, water, s.uniform(0.25f, 1.2f), s.uniform(0.3f, 0.75f));
  int floes = s.chance(0.65f) ? s.below(16) : 0;
  for (int i = 0; i < floes; ++i) {
    float t = std::pow(float(i + 1) / float(floes), 1.6f), y = mix(waterline + 0.02f, 1, t);
    draw_floe(s, {s.uniform(0, 1), y}, (y - s.horizon) * s.uniform(0.08f, 0.3f), 0.3f * (1 - t),
              ice);
  }
  if (s.chance(0.15f))
    draw_boat(s, {s.uniform(0.1f, 0.9f), waterline + s.uniform(0.02f, 0.15f)},
              s.uniform(0.06f, 0.13f), 0.3f);
}

}  // namespace tweed::scenes
