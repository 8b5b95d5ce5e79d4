// Beaches and rocky shores: land meets the sea along a line of surf.
#include "data/tiny_places/scene.h"

namespace tweed::scenes {
namespace {

// The shore is a wavy line across the ground plane. `out` is how far a place lies out at sea.
struct Shore {
  float nx, nz, offset, bend, ox;
  float out(float x, float z) const {
    float along = x * nz - z * nx;
    return nx * x + nz * z - offset + bend * (noise()(along * 0.06f + ox, ox) - 0.5f);
  }
};

struct Surf {
  Rgb sand, water, shallow, foam;
  float waves, ox, oz, swell, glitter, sun_x;
};

Rgb sand_color(const Scene& s, const Surf& f, float x, float z, float out) {
  const Noise& n = noise();
  float grain = 0.85f + 0.3f * n(x * 0.5f + f.ox, z * 0.5f + f.oz);
  float wet = smooth(-0.5f, -0.1f, out);
  Rgb dry = s.lit(f.sand, 0.7f) * grain;
  Rgb shining = mix(dry * 0.55f, s.light.horizon, 0.3f);
  return mix(dry, shining, wet);
}

Rgb sea_color(const Scene& s, const Surf& f, float x, float z, float out) {
  const Noise& n = noise();
  const Light& l = s.light;
  float ripple = n(x * 0.16f + f.ox, z * 0.42f + f.oz) - 0.5f;
  Rgb body = s.lit(mix(f.shallow, f.water, smooth(0, 2.5f, out)), 0.5f);
  float far = 1 - 1 / (1 + 0.3f * z);
  Rgb color =
      mix(body, mix(l.zenith, l.horizon, far), clamp01(0.1f + 0.5f * far + f.waves * ripple));
  // Breakers come in lines along the shore, closer and whiter near it.
  float phase = std::sqrt(std::max(0.f, out)) * f.swell + ripple * 1.2f;
  float crest = phase - std::floor(phase);
  float ragged = n(x * 0.22f + f.oz, z * 0.3f + f.ox);
  float white = smooth(0.55f + 0.12f * out, 0.95f + 0.12f * out, crest + 0.45f * (ragged - 0.4f));
  float edge = smooth(0.28f, 0.02f, out + 0.3f * (ragged - 0.5f));
  color =
      mix(color * (0.85f + 0.3f * crest * (out < 4)), f.foam, std::max(white * (out < 4.5f), edge));
  float beam = std::exp(-10 * (x / z - f.sun_x) * (x / z - f.sun_x));
  return color + l.sun * (f.glitter * beam * smooth(0.05f, 0.3f, ripple));
}

void draw_headland(Scene& s) {
  bool left = s.chance(0.5f);
  float reach = s.uniform(0.2f, 0.6f), height = s.uniform(0.06f, 0.3f);
  Rgb rock = s.one_of({{.45f, .38f, .3f}, {.3f, .3f, .28f}, {.25f, .35f, .18f}, {.6f, .5f, .4f}});
  Outline line = fractal_line(s, 5, 0.5f);
  for (Vec& p : line) {
    float fall = 1 - p.x;
    p.y = s.horizon - height * (std::pow(fall, 0.6f) * (0.8f + 0.2f * p.y));
    p.x = left ? -0.02f + p.x * reach : 1.02f - p.x * reach;
  }
  float base = left ? -0.02f : 1.02f;
  line.push_back({base, s.horizon + 0.015f + 0.06f * reach});
  const Noise& n = noise();
  float ox = s.uniform(0, 1), depth = s.uniform(0.3f, 1.3f);
  s.canvas.polygon(line, [&](float x, float y) {
    float face = n(x * 1.5f + ox, y * 0.7f) - n(x * 1.5f + ox + 0.02f * s.light.side, y * 0.7f);
    return s.hazed(s.lit(rock, clamp01(0.4f + 4 * face)), depth);
  });
}

void draw_umbrella(Scene& s, Vec foot, float size) {
  Rgb a = s.lit({s.uniform(.2f, .9f), s.uniform(.1f, .8f), s.uniform(.1f, .8f)}, 0.7f),
      b = s.lit({.9f, .9f, .85f}, 0.7f);
  s.canvas.line(foot, {foot.x, foot.y - size}, size * 0.05f, a * 0.5f);
  for (int i = 0; i < 6; ++i) {
    float x0 = -0.6f + 0.2f * float(i), x1 = x0 + 0.2f;
    s.canvas.polygon({{foot.x, foot.y - size * 1.15f},
                      {foot.x + x0 * size, foot.y - size * 0.75f},
                      {foot.x + x1 * size, foot.y - size * 0.75f}},
                     i & 1 ? a : b);
  }
}

void draw_rock(Scene& s, Vec foot, float size) {
  Rgb rock = s.near({.3f, .28f, .26f}, 0.3f);
  Outline line = fractal_line(s, 3, 0.5f);
  for (Vec& p : line) {
    p.y = foot.y - size * (std::sin(p.x * 3.14f) * (0.8f + 0.25f * p.y));
    p.x = foot.x + (p.x - 0.5f) * size * 2.2f;
  }
  s.canvas.polygon(line, [&](float x, float y) {
    float toward = 0.45f + 0.4f * s.light.side * (x - foot.x) / size + 0.4f * (foot.y - y) / size;
    return s.lit(rock * (0.7f + 0.6f * noise()(x * 3, y * 3)), clamp01(toward));
  });
}

}  // namespace

void draw_coast(Scene& s) {
  s.horizon = s.uniform(0.28f, 0.55f);
  draw_sky(s, s.horizon);
  if (s.chance(0.55f)) draw_headland(s);
  if (s.chance(0.15f)) draw_headland(s);
  float turn = s.chance(0.35f) ? s.uniform(-0.3f, 0.3f)
                               : s.uniform(0.5f, 1.35f) * (s.chance(0.5f) ? 1.f : -1.f);
  Shore shore{std::sin(turn), std::cos(turn), 0, s.uniform(1, 5), s.uniform(0, 1)};
  shore.offset = std::abs(turn) < 0.4f ? s.uniform(1.4f, 2.2f) : s.uniform(-0.1f, 0.9f) + shore.nz;
  Surf f;
  f.sand = s.one_of({{.78f, .68f, .5f},
                     {.85f, .8f, .7f},
                     {.6f, .48f, .34f},
                     {.36f, .34f, .33f},
                     {.7f, .6f, .55f}});
  f.water =
      s.one_of({{.05f, .2f, .32f}, {.1f, .26f, .28f}, {.18f, .22f, .24f}, {.04f, .12f, .24f}});
  f.shallow = mix(f.water, s.one_of({{.25f, .6f, .58f}, {.35f, .42f, .4f}, {.3f, .5f, .6f}}),
                  s.uniform(0.3f, 0.9f));
  f.foam = s.lit({.92f, .93f, .94f}, 0.75f);
  f.waves = s.uniform(0.2f, 0.9f);
  f.ox = s.uniform(0, 1);
  f.oz = s.uniform(0, 1);
  f.swell = s.uniform(1.3f, 2.6f);
  f.glitter = s.light.sun_seen ? s.uniform(0.4f, 1.2f) : 0.1f;
  f.sun_x = s.light.side * s.uniform(0.1f, 0.4f);
  draw_plane(s, s.horizon, [&](float x, float z) {
    float out = shore.out(x, z);
    return s.hazed(out < 0 ? sand_color(s, f, x, z, out) : sea_color(s, f, x, z, out), 0.1f * z);
  });
  // Things on the sand and at sea, from far to near.
  int palms = s.chance(0.25f) ? 2 + s.below(3) : 0, rocks = s.chance(0.35f) ? 2 + s.below(6) : 0;
  int people = s.chance(0.4f) ? 1 + s.below(7) : 0,
      umbrellas = s.chance(0.22f) ? 1 + s.below(5) : 0;
  if (s.chance(0.25f))
    draw_boat(s, {s.uniform(0.1f, 0.9f), s.horizon + 0.015f}, s.uniform(0.03f, 0.08f), 0.8f);
  for (int i = 0; i < 60; ++i) {
    float z = 6.5f * std::pow(0.965f, float(i)), x = s.uniform(-0.55f, 0.55f) * z,
          out = shore.out(x, z);
    Vec foot{0.5f + x / z, s.horizon + 0.5f / z};
    if (out < -0.6f && palms > 0 && s.chance(0.3f))
      --palms, draw_palm(s, foot, s.uniform(0.8f, 1.2f) / z, 0.1f * z);
    if (out < -0.5f && umbrellas > 0 && s.chance(0.3f))
      --umbrellas, draw_umbrella(s, foot, 0.3f / z);
    if (out < 0.6f && people > 0 && s.chance(0.3f))
      --people, draw_person(s, foot, 0.28f / z, 0.1f * z);
    if (std::abs(out) < 0.9f && rocks > 0 && s.chance(0.3f))
      --rocks, draw_rock(s, foot, s.uniform(0.05f, 0.2f) / z);
  }
}

}  // namespace tweed::scenes
