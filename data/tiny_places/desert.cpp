// Sand deserts: dunes with sharp crests, ripples, a few shrubs, sometimes a caravan.
#include "data/tiny_places/scene.h"

namespace tweed::scenes {
namespace {

struct Dunes {
  float turn_x, turn_z, length, warp, tall, ox, oz;

  // A rise towards the wind, a sharp crest, and a steep lee side; crests wander.
  float height(float x, float z) const {
    const Noise& n = noise();
    float wander = n(x * 0.011f + ox, z * 0.011f + oz), size = n(x * 0.013f + oz, z * 0.013f + ox);
    float t = (x * turn_x + z * turn_z) / length + warp * wander;
    t -= std::floor(t);
    // The terrain is sampled at steps that grow with z: a crest sharper than these would show teeth.
    float rise = t / 0.68f, fall = (1 - t) / 0.32f, round = 0.06f + 0.3f * z / length;
    float share = clamp01(0.5f + 0.5f * (fall - rise) / round);
    float wave = std::max(0.f, mix(fall, rise, share) - round * share * (1 - share));
    wave = wave * wave * (1.6f - 0.6f * wave);
    return tall * wave * smooth(0.15f, 0.5f, size) + tall * 0.5f * size;
  }
};

void draw_caravan(Scene& s, const Terrain& t) {
  float z = s.uniform(5, 11), x = s.uniform(-0.35f, 0.1f) * z;
  Rgb dark = s.hazed(s.lit({.28f, .2f, .13f}, 0.3f), 0.06f * z);
  for (int i = 2 + s.below(4); i > 0; --i, x += 0.75f) {
    Vec foot = project(s, t, x, z);
    float h = 0.62f / z;
    Canvas& c = s.canvas;
    c.ellipse({foot.x, foot.y - h * 0.62f}, h * 0.36f, h * 0.17f, dark);
    c.ellipse({foot.x, foot.y - h * 0.82f}, h * 0.13f, h * 0.15f, dark);
    for (float leg : {-0.28f, -0.2f, 0.2f, 0.28f})
      c.line({foot.x + leg * h, foot.y - h * 0.55f}, {foot.x + leg * h, foot.y}, h * 0.07f, dark);
    c.curve({foot.x + h * 0.3f, foot.y - h * 0.62f}, {foot.x + h * 0.52f, foot.y - h * 0.55f},
            {foot.x + h * 0.52f, foot.y - h * 0.98f}, h * 0.12f, h * 0.09f, dark);
    c.ellipse({foot.x + h * 0.6f, foot.y - h}, h * 0.12f, h * 0.07f, dark);
  }
}

void draw_shrubs(Scene& s, const Terrain& t) {
  Rgb leaf = s.one_of({{.3f, .32f, .16f}, {.4f, .34f, .2f}, {.22f, .26f, .14f}});
  for (int i = s.below(14) + 3; i > 0; --i) {
    float z = 1.4f + float(i) * s.uniform(0.3f, 0.7f), x = s.uniform(-0.5f, 0.5f) * z,
          size = s.uniform(0.04f, 0.12f) / z;
    Vec foot = project(s, t, x, z);
    for (int k = 0; k < 7; ++k)
      s.canvas.line(foot, {foot.x + s.uniform(-1, 1) * size, foot.y - s.uniform(0.3f, 1) * size},
                    size * 0.2f, size * 0.05f, s.hazed(s.lit(leaf, s.uniform(0, 0.8f)), 0.06f * z));
  }
}

}  // namespace

void draw_desert(Scene& s) {
  if (s.light.clouds > 0.7f && s.chance(0.7f)) s.light = random_light(s);  // it is seldom overcast
  if (s.chance(0.8f)) s.light.rain = s.light.snow = false;
  s.horizon = s.uniform(0.25f, 0.52f);
  s.light.height = std::min(s.light.height, s.uniform(0.05f, 0.5f));
  draw_sky(s, s.horizon + 0.05f);
  if (s.chance(0.25f))
    draw_range(s, s.horizon, s.uniform(0.04f, 0.14f), 0.5f,
               s.one_of({{.5f, .34f, .24f}, {.36f, .32f, .32f}}), 2);
  Rgb sand = s.one_of({{.82f, .58f, .34f},
                       {.84f, .7f, .48f},
                       {.72f, .42f, .25f},
                       {.86f, .83f, .76f},
                       {.62f, .5f, .38f}});
  float turn = s.uniform(0.5f, 1.4f) * (s.chance(0.5f) ? 1.f : -1.f), ripple = s.uniform(6, 13),
        relief = s.chance(0.6f) ? s.uniform(0.1f, 0.35f) : 0;
  Dunes d{std::sin(turn),        std::cos(turn),  s.uniform(3, 8), s.uniform(0.5f, 1.7f),
          s.uniform(0.9f, 2.4f), s.uniform(0, 1), s.uniform(0, 1)};
  const Noise& n = noise();
  Terrain t;
  t.near = 0.9f;
  t.far = 45;
  t.height = [&](float x, float z) { return d.height(x, z); };
  t.eye = std::max(d.height(0, 0.5f), d.height(0, 1.2f)) + s.uniform(0.35f, 1.5f);
  t.shade = [&](float x, float z, float, float sx, float sz) {
    float wind = std::sin((x * d.turn_x + z * d.turn_z) * ripple + 9 * n(x * 0.12f, z * 0.12f));
    float fine = relief * wind * smooth(5, 1, z);
    float light = facing(s.light, sx + fine, sz + fine * 0.5f);
    return s.lit(sand * (0.92f + 0.16f * n(x * 0.2f, z * 0.2f)),
                 1.35f * smooth(0.12f, 0.85f, light));
  };
  draw_terrain(s, t);
  if (s.chance(0.25f)) draw_shrubs(s, t);
  if (s.chance(0.15f)) draw_caravan(s, t);
  if (s.chance(0.2f)) {
    float z = s.uniform(1.5f, 5);
    Vec foot = project(s, t, s.uniform(-0.4f, 0.4f) * z, z);
    s.chance(0.6f) ? draw_person(s, foot, 0.34f / z, 0.06f * z)
                   : draw_palm(s, foot, 1.1f / z, 0.06f * z);
  }
}

}  // namespace tweed::scenes
