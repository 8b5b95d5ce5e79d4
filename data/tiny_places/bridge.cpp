// Bridges from the side: suspension, cable-stayed, arches of stone, a steel truss, an arch of
// steel; over water or a gorge.
#include "data/tiny_places/scene.h"

namespace tweed::scenes {
namespace {

// The bridge runs across the picture; perspective makes one end larger.
struct Span {
  float left_y, right_y;          // of the deck
  float left_scale, right_scale;  // sizes there
  float water;                    // height of the water in the picture
  Rgb lit, dark;                  // its material
  float depth;

  float y(float x) const { return mix(left_y, right_y, x); }
  float scale(float x) const { return mix(left_scale, right_scale, x); }
  Vec at(float x, float above) const { return {x, y(x) - above * scale(x)}; }
};

void draw_deck(Scene& s, const Span& b, float thickness) {
  s.canvas.polygon(
      {b.at(-0.05f, thickness), b.at(1.05f, thickness), b.at(1.05f, 0), b.at(-0.05f, 0)}, b.lit);
  s.canvas.polygon({b.at(-0.05f, thickness * 0.4f), b.at(1.05f, thickness * 0.4f),
                    b.at(1.05f, -thickness * 0.2f), b.at(-0.05f, -thickness * 0.2f)},
                   b.dark);
}

void draw_pier(Scene& s, const Span& b, float x, float width, float above) {
  float w = width * b.scale(x), top = b.at(x, above).y, bottom = b.water + 0.02f * b.scale(x);
  float edge = s.light.side > 0 ? w * 0.2f : -w * 0.2f;
  s.canvas.rectangle(x - w / 2, top, x + w / 2, bottom, b.dark);
  s.canvas.rectangle(std::min(x + edge, x + edge * 2.5f), top, std::max(x + edge, x + edge * 2.5f),
                     bottom, b.lit);
}

void draw_suspension(Scene& s, const Span& b) {
  float left = s.uniform(0.12f, 0.32f), right = s.uniform(0.68f, 0.9f),
        rise = s.uniform(0.22f, 0.36f);
  float sag = s.uniform(0.8f, 0.95f), cable = 0.008f;
  draw_deck(s, b, 0.035f);
  auto hang = [&](float a, float c, bool tower_a, bool tower_c) {
    constexpr int pieces = 14;
    auto point = [&](float t) {
      float low = tower_a && tower_c ? 4 * t * (1 - t) * sag
                  : tower_a          ? t * (2 - t) * 0.95f
                                     : (1 - t * t) * 0.95f;
      return b.at(mix(a, c, t), 0.03f + rise * (1 - low));
    };
    for (int i = 0; i < pieces; ++i) {
      Vec p = point(float(i) / pieces), q = point(float(i + 1) / pieces);
      s.canvas.line(p, q, cable * 1.5f, b.dark);
      s.canvas.line(p, {p.x, b.y(p.x)}, 0.003f, b.dark, 0.8f);
    }
  };
  hang(left, right, true, true);
  hang(-0.15f, left, false, true);
  hang(right, 1.15f, true, false);
  for (float x : {left, right}) {
    float gap = 0.025f * b.scale(x);
    draw_pier(s, b, x - gap, 0.022f, rise + 0.04f);
    draw_pier(s, b, x + gap, 0.022f, rise + 0.04f);
    for (float h : {0.2f, 0.55f, 0.95f}) {
      Vec p = b.at(x, 0.04f + h * rise);
      s.canvas.line({p.x - gap, p.y}, {p.x + gap, p.y}, 0.018f * b.scale(x), b.lit);
    }
  }
}

void draw_cable_stayed(Scene& s, const Span& b) {
  int towers = 1 + s.below(2);
  float rise = s.uniform(0.28f, 0.42f);
  draw_deck(s, b, 0.03f);
  for (int i = 0; i < towers; ++i) {
    float x = towers == 1 ? s.uniform(0.35f, 0.65f)
              : i         ? s.uniform(0.7f, 0.85f)
                          : s.uniform(0.15f, 0.3f);
    float reach = towers == 1 ? 0.42f : 0.25f;
    bool fan = s.chance(0.5f);
    for (int k = 1; k <= 8; ++k)
      for (float side : {-1.f, 1.f}) {
        float top = rise * (fan ? 0.95f : 0.25f + 0.7f * float(k) / 8);
        s.canvas.line(b.at(x, top), b.at(x + side * reach * float(k) / 8, 0.03f), 0.006f, b.lit,
                      0.9f);
      }
    draw_pier(s, b, x, 0.03f, rise);
  }
}

void draw_stone_arches(Scene& s, const Span& b) {
  int count = 2 + s.below(4);
  float wall = s.uniform(0.06f, 0.1f), pier = s.uniform(0.12f, 0.3f) / float(count);
  const Noise& n = noise();
  float ox = s.uniform(0, 1);
  Outline body{b.at(-0.05f, wall),
               b.at(0.5f, wall + s.uniform(0, 0.05f)),
               b.at(1.05f, wall),
               {1.05f, b.water + 0.01f},
               {-0.05f, b.water + 0.01f}};
  Rgb under = b.dark * 0.6f;
  float width = 1.f / float(count), shift = s.uniform(-0.5f, 0.5f) * width;
  s.canvas.polygon(body, [&](float x, float y) {
    float drop = (b.water - b.y(x)) / std::max(0.02f, b.scale(x));
    float t = (x - shift) / width - std::floor((x - shift) / width) - 0.5f;  // -0.5...0.5 in a bay
    float half = 0.5f - pier, above = (y - b.y(x)) / b.scale(x) / std::max(0.05f, drop);
    float opening = std::abs(t) < half ? 1 - std::sqrt(1 - t * t / (half * half)) * 0.9f : 2;
    float stone = 0.8f + 0.5f * n(x * 2 + ox, y * 2.5f);
    if (above < opening) return mix(b.dark, b.lit, above < -0.12f ? 1.f : 0.6f) * stone;
    bool inside = above < opening + 0.12f || t * s.light.side < -half * 0.85f;
    if (inside) return under * stone;
    return s.canvas.near(x, y);
  });
}

void draw_truss(Scene& s, const Span& b) {
  float rise = s.uniform(0.12f, 0.2f), gap = s.uniform(0.07f, 0.12f), bar = 0.014f;
  bool below = s.chance(0.4f), cross = s.chance(0.4f), arched = s.chance(0.5f);
  draw_deck(s, b, 0.025f);
  auto top = [&](float x) {
    float h =
        rise * (arched ? 0.6f + 1.4f * std::max(0.f, 1 - 4 * (x - .5f) * (x - .5f)) * 0.6f : 1);
    return b.at(x, below ? -h * 0.7f : h);
  };
  for (float x = -0.1f; x < 1.1f; x += gap) {
    float next = x + gap;
    s.canvas.line(top(x), top(next), bar * b.scale(x) * 1.3f, b.lit);
    s.canvas.line(top(x), b.at(x, 0), bar * b.scale(x), b.dark);
    bool up = x < 0.5f;
    if (up || cross) s.canvas.line(top(next), b.at(x, 0), bar * b.scale(x) * 0.8f, b.lit);
    if (!up || cross) s.canvas.line(top(x), b.at(next, 0), bar * b.scale(x) * 0.8f, b.lit);
  }
  for (float x = s.uniform(0, 0.2f); x < 1; x += s.uniform(0.3f, 0.45f))
    draw_pier(s, b, x, 0.04f, 0);
}

void draw_steel_arch(Scene& s, const Span& b) {
  float left = s.uniform(-0.05f, 0.15f), right = s.uniform(0.85f, 1.05f),
        rise = s.uniform(0.16f, 0.3f);
  float drop = std::min(0.2f, (b.water - b.y(0.5f)) * 0.9f);
  auto arch = [&](float t, float extra) {
    return b.at(mix(left, right, t), (rise + drop + extra) * 4 * t * (1 - t) - drop);
  };
  constexpr int pieces = 16;
  for (int i = 0; i < pieces; ++i) {
    float t = float(i) / pieces, u = float(i + 1) / pieces;
    s.canvas.line(arch(t, 0.04f), arch(u, 0.04f), 0.016f, b.lit);
    s.canvas.line(arch(t, 0), arch(u, 0), 0.014f, b.dark);
    s.canvas.line(arch(t, 0.04f), arch(u, 0), 0.006f, b.dark);
    Vec p = arch(t, 0);
    s.canvas.line(p, {p.x, b.y(p.x)}, 0.006f, b.dark);
  }
  draw_deck(s, b, 0.028f);
  for (float x : {left, right}) draw_pier(s, b, x, 0.09f, 0.05f);
}

void draw_lamps(Scene& s, const Span& b) {
  for (float x = s.uniform(0, 0.1f); x < 1; x += 0.11f)
    s.canvas.glow(b.at(x, 0.07f), 0.05f, {.9f, .7f, .35f});
}

void draw_far_bank(Scene& s) {
  Rgb bank = s.one_of({{.2f, .3f, .14f}, {.35f, .3f, .22f}, {.3f, .32f, .34f}, {.14f, .2f, .16f}});
  draw_range(s, s.horizon, s.uniform(0.03f, 0.22f), 0.5f, bank, s.uniform(0.8f, 2));
  if (s.chance(0.35f)) {  // a town
    for (int i = s.below(14) + 6; i > 0; --i) {
      float x = s.uniform(0, 1), w = s.uniform(0.02f, 0.06f), h = s.uniform(0.03f, 0.14f);
      s.canvas.rectangle(x, s.horizon - h, x + w, s.horizon,
                         s.hazed(s.lit(s.near({.45f, .42f, .4f}, 0.4f), 0.4f), 1.2f));
    }
  } else if (s.chance(0.5f)) {
    for (int i = 0; i < 14; ++i)
      draw_tree(s, {s.uniform(0, 1), s.horizon + 0.01f}, s.uniform(0.04f, 0.1f),
                s.near({.2f, .3f, .12f}, .3f), 0.8f);
  }
}

}  // namespace

void draw_bridge(Scene& s) {
  s.horizon = s.uniform(0.48f, 0.68f);
  draw_sky(s, s.horizon);
  draw_far_bank(s);
  bool gorge = s.chance(0.2f);
  Rgb ground = s.one_of({{.25f, .32f, .15f}, {.4f, .34f, .26f}, {.3f, .28f, .25f}});
  const Noise& n = noise();
  if (gorge) {
    float ox = s.uniform(0, 1);
    s.canvas.fill(0, s.horizon, 1, 1, [&](float x, float y) {
      float rock = n(x * 0.8f + ox, y * 1.6f);
      return s.hazed(s.lit(ground, clamp01(1.6f * rock - 0.3f + 0.6f * std::abs(x - .5f))), 0.5f);
    });
  }
  float tilt = s.uniform(-0.12f, 0.12f), height = s.uniform(0.03f, 0.16f),
        grow = s.uniform(0, 0.5f);
  float size = s.uniform(0.75f, 1.25f);
  Rgb material = s.one_of({{.6f, .2f, .14f},
                           {.55f, .55f, .54f},
                           {.3f, .33f, .36f},
                           {.62f, .55f, .44f},
                           {.3f, .4f, .36f}});
  Span b{
      s.horizon - height,   s.horizon - height + tilt * 0.5f, size, size, s.horizon + 0.05f, {}, {},
      s.uniform(0.1f, 0.6f)};
  (tilt > 0 ? b.left_scale : b.right_scale) *= 1 - grow;
  b.lit = s.hazed(s.lit(material, 0.85f), b.depth);
  b.dark = s.hazed(s.lit(material * 0.7f, 0.2f), b.depth);
  if (gorge) b.water = 1.05f;
  int kind = s.below(5);
  if (kind == 0) draw_suspension(s, b);
  if (kind == 1) draw_cable_stayed(s, b);
  if (kind == 2) draw_stone_arches(s, b);
  if (kind == 3) draw_truss(s, b);
  if (kind == 4) draw_steel_arch(s, b);
  if (s.light.night || s.chance(0.1f)) draw_lamps(s, b);
  if (gorge) return;
  Rgb water =
      s.one_of({{.1f, .2f, .26f}, {.16f, .22f, .16f}, {.25f, .22f, .16f}, {.2f, .24f, .28f}});
  draw_mirror(s, b.water, water, s.uniform(0.2f, 1.1f), s.uniform(0.35f, 0.75f));
  if (s.chance(0.3f))
    draw_boat(s, {s.uniform(0.1f, 0.9f), s.uniform(b.water + 0.04f, 0.9f)}, s.uniform(0.06f, 0.16f),
              0.1f);
  if (s.chance(0.4f)) {  // the near bank
    float reach = s.uniform(0.3f, 1), side = s.chance(0.5f) ? 0.f : 1.f;
    float corner = std::abs(side - reach);
    s.canvas.polygon({{side, s.uniform(0.75f, 0.9f)},
                      {mix(side, corner, 0.6f), 0.92f},
                      {corner, 1.02f},
                      {side, 1.02f}},
                     [&](float x, float y) { return s.lit(ground, n(x * 2, y * 3)); });
  }
}

}  // namespace tweed::scenes
