// Ski slopes: a piste between trees, tracks in the snow, a lift, skiers.
#include "data/tiny_places/scene.h"

namespace tweed::scenes {
namespace {

struct Slope {
  float rise, side, rolls, ox, oz, crest;
  float height(float x, float z) const {
    const Noise& n = noise();
    float up = std::min(z, crest);
    return rise * up + side * x +
           rolls * (n(x * 0.05f + ox, z * 0.05f + oz) - 0.5f) * std::min(1.f, z * 0.4f) -
           0.1f * std::max(0.f, z - crest);
  }
};

// The groomed middle, which winds; its half width.
struct Piste {
  float bend, phase, aim, half, groom;
  float from_middle(float x, float z) const {
    return x - aim * (z - 1) - bend * (std::sin(0.3f * z + phase) - std::sin(0.3f + phase));
  }
};

void draw_skier(Scene& s, Vec foot, float h, float depth) {
  Rgb suit = s.hazed(
      s.lit({s.uniform(.1f, .95f), s.uniform(.05f, .7f), s.uniform(.05f, .8f)}, 0.5f), depth);
  Rgb dark = s.hazed(s.lit({.1f, .1f, .13f}, 0.4f), depth);
  float way = s.chance(0.5f) ? 1.f : -1.f;
  Canvas& c = s.canvas;
  c.line({foot.x - h * 0.5f * way, foot.y + h * 0.04f},
         {foot.x + h * 0.5f * way, foot.y - h * 0.02f}, h * 0.06f, dark);
  c.line(foot, {foot.x - h * 0.06f * way, foot.y - h * 0.42f}, h * 0.16f, dark);
  c.line({foot.x - h * 0.06f * way, foot.y - h * 0.4f},
         {foot.x + h * 0.1f * way, foot.y - h * 0.78f}, h * 0.22f, suit);
  c.line({foot.x + h * 0.08f * way, foot.y - h * 0.65f},
         {foot.x + h * 0.38f * way, foot.y - h * 0.45f}, h * 0.08f, suit);
  c.line({foot.x + h * 0.36f * way, foot.y - h * 0.5f}, {foot.x - h * 0.05f * way, foot.y},
         h * 0.03f, dark);
  c.ellipse({foot.x + h * 0.13f * way, foot.y - h * 0.9f}, h * 0.09f, h * 0.1f, dark);
}

void draw_lift(Scene& s, const Terrain& t) {
  float x = s.uniform(-0.45f, 0.45f), far_x = s.uniform(-0.25f, 0.25f),
        tall = s.uniform(0.9f, 1.4f);
  Rgb steel = s.hazed(s.lit(s.near({.35f, .36f, .38f}), 0.4f), 0.3f);
  bool gondola = s.chance(0.4f);
  Rgb cabin = s.lit({s.uniform(.1f, .9f), s.uniform(.05f, .6f), s.uniform(.05f, .6f)}, 0.5f);
  Vec before{};
  for (int i = 0; i < 5; ++i) {
    float z = 11.f * std::pow(0.62f, float(i)), at = mix(far_x * 11, x * 1.4f, float(i) / 4);
    Vec foot = project(s, t, at, z), top = project(s, t, at, z, tall);
    float arm = 0.16f / z;
    s.canvas.line(foot, top, 0.05f / z, steel);
    s.canvas.line({top.x - arm, top.y}, {top.x + arm, top.y}, 0.04f / z, steel);
    if (i > 0)
      for (float side : {-1.f, 1.f}) {
        Vec a{before.x + side * arm * 0.62f, before.y}, b{top.x + side * arm, top.y};
        s.canvas.line(a, b, 0.004f, steel);
        float k = s.uniform(0.25f, 0.75f), size = mix(0.62f, 1, k) * 0.13f / z;
        Vec hang{mix(a.x, b.x, k), mix(a.y, b.y, k)};
        s.canvas.line(hang, {hang.x, hang.y + size * 1.2f}, 0.004f, steel);
        if (gondola)
          s.canvas.rectangle(hang.x - size * 0.5f, hang.y + size, hang.x + size * 0.5f,
                             hang.y + size * 2, cabin);
        else
          s.canvas.line({hang.x - size * 0.5f, hang.y + size * 1.2f},
                        {hang.x + size * 0.5f, hang.y + size * 1.2f}, size * 0.3f, cabin * 0.6f);
      }
    before = top;
  }
}

void draw_gates(Scene& s, const Terrain& t, const Piste& p) {
  Rgb red{.85f, .1f, .1f}, blue{.1f, .2f, .8f};
  for (int i = 0; i < 6; ++i) {
    float z = 9 * std::pow(0.7f, float(i)),
          x = (i & 1 ? 0.5f : -0.5f) * p.half - p.from_middle(0, z);
    Vec foot = project(s, t, x, z), top = project(s, t, x, z, 0.28f);
    Rgb color = s.hazed(s.lit(i & 1 ? red : blue, 0.5f), 0.06f * z);
    s.canvas.line(foot, top, 0.02f / z, color);
    s.canvas.rectangle(top.x, top.y, top.x + 0.14f / z, top.y + 0.1f / z, color);
  }
}

}  // namespace

void draw_ski_slope(Scene& s) {
  s.horizon = s.uniform(0.4f, 0.62f);
  draw_sky(s, s.horizon);
  if (s.chance(0.65f))
    draw_range(s, s.horizon, s.uniform(0.08f, 0.3f), 0.55f,
               s.one_of({{.7f, .74f, .8f}, {.4f, .42f, .46f}, {.85f, .87f, .9f}}),
               s.uniform(1, 2.4f));
  Slope slope{s.chance(0.75f) ? s.uniform(0.08f, 0.34f) : s.uniform(-0.12f, 0.05f),
              s.uniform(-0.3f, 0.3f),
              s.uniform(0.6f, 3),
              s.uniform(0, 1),
              s.uniform(0, 1),
              s.uniform(9, 22)};
  Piste p{s.uniform(-1.5f, 1.5f), s.uniform(0, 6.28f), s.uniform(-0.15f, 0.15f),
          s.uniform(0.5f, 1.6f), s.uniform(0, 0.22f)};
  Rgb snow = s.near({.9f, .93f, .97f}, 0.05f);
  const Noise& n = noise();
  struct Track {
    float at, swing, pace, phase;
  } tracks[7];
  int count = s.below(8);
  for (int i = 0; i < count; ++i)
    tracks[i] = {s.uniform(-1, 1) * p.half * 1.4f, s.uniform(0, 0.28f), s.uniform(0.8f, 3),
                 s.uniform(0, 6.28f)};
  float moguls = s.chance(0.3f) ? s.uniform(0.2f, 0.7f) : s.uniform(0, 0.15f);
  Terrain t;
  t.near = 0.9f;
  t.far = 30;
  t.eye = s.uniform(0.5f, 1.1f) + std::max(0.f, slope.height(0, 1));
  t.height = [&](float x, float z) { return slope.height(x, z); };
  t.shade = [&](float x, float z, float, float sx, float sz) {
    float off = p.from_middle(x, z),
          bump = moguls *
                 (n(x * 0.5f + slope.ox, z * 0.5f) - n(x * 0.5f + slope.ox + 0.012f, z * 0.5f)) *
                 12;
    float light = facing(s.light, sx + bump, sz + bump * 0.5f);
    Rgb color = s.lit(snow * (0.94f + 0.1f * n(x * 0.2f, z * 0.2f)), 0.2f + light);
    if (std::abs(off) < p.half && z < 9) {
      float rib = off * 7 - std::floor(off * 7);
      color = color * (1 - p.groom * (rib < 0.5f) * smooth(9, 4, z));
    }
    for (int i = 0; i < count; ++i) {
      const Track& k = tracks[i];
      float d = std::abs(off - k.at - k.swing * std::sin(k.pace * z + k.phase));
      if (d < 0.05f) color = color * (d < 0.02f ? 0.93f : 0.76f);
    }
    return color;
  };
  draw_terrain(s, t);
  bool lift = s.chance(0.5f), gates = s.chance(0.15f);
  Rgb leaves = s.one_of({{.1f, .18f, .12f}, {.12f, .16f, .13f}, {.2f, .24f, .14f}}, 0.25f);
  float left = s.uniform(0, 1), right = s.uniform(0, 1);
  if (s.chance(0.15f)) left = right = 0;
  if (lift && s.chance(0.5f)) draw_lift(s, t), lift = false;
  for (float z = std::min(slope.crest, 14.f); z > 1.1f; z *= 0.93f)
    for (int i = 0; i < 4; ++i) {
      float x = s.uniform(-0.55f, 0.55f) * z, off = p.from_middle(x, z);
      if (std::abs(off) < p.half * 1.15f || !s.chance((off < 0 ? left : right) * 0.8f)) continue;
      draw_conifer(s, project(s, t, x, z), s.uniform(0.45f, 0.8f) / z, leaves, 0.06f * z);
    }
  if (lift) draw_lift(s, t);
  if (gates) draw_gates(s, t, p);
  for (int i = s.chance(0.65f) ? 1 + s.below(6) : 0; i > 0; --i) {
    float z = 1.3f + 0.9f * float(i) * s.uniform(0.6f, 1.2f),
          x = s.uniform(-0.8f, 0.8f) * p.half - p.from_middle(0, z);
    draw_skier(s, project(s, t, std::clamp(x, -0.42f * z, 0.42f * z), z),
               s.uniform(0.26f, 0.36f) / z, 0.06f * z);
  }
}

}  // namespace tweed::scenes
