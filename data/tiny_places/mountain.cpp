// Mountains: rock and snow in ridges, above meadows, forests or a lake.
#include "data/tiny_places/scene.h"

namespace tweed::scenes {
namespace {

struct Massif {
  struct Peak {
    float x, z, height, radius;
  };
  Peak peaks[4];
  int count;
  float ox, oz, rough, foothills;

  float height(float x, float z) const {
    const Noise& n = noise();
    float shape = 0;
    for (int i = 0; i < count; ++i) {
      const Peak& p = peaks[i];
      float dx = (x - p.x) / p.radius, dz = (z - p.z) / p.radius, d = std::sqrt(dx * dx + dz * dz);
      float cone = std::max(0.f, 1 - d);
      shape = std::max(shape, p.height * cone * (0.55f + 0.45f * cone));
    }
    float near = smooth(2, 9, z);
    float crag = n.ridge(x * 0.028f + ox, z * 0.028f + oz) - 0.5f,
          fine = n.ridge(x * 0.09f + oz, z * 0.09f + ox) - 0.5f;
    float hills = foothills * n(x * 0.035f + oz, z * 0.035f + oz);
    return near * (shape * (1 + rough * 0.7f * crag) +
                   rough * (1.1f * crag + 0.35f * fine) * smooth(0, 2, shape) + hills * 1.4f);
  }
};

Massif random_massif(Scene& s) {
  Massif m;
  m.count = 1 + s.below(4);
  for (int i = 0; i < m.count; ++i) {
    float z = s.uniform(13, 24), tall = i ? s.uniform(0.5f, 0.95f) : 1;
    m.peaks[i] = {s.uniform(-0.38f, 0.38f) * z, z, tall * s.uniform(5.5f, 9), s.uniform(6, 11)};
  }
  m.ox = s.uniform(0, 1);
  m.oz = s.uniform(0, 1);
  m.rough = s.uniform(0.7f, 1.5f);
  m.foothills = s.uniform(0.2f, 1.2f);
  return m;
}

void draw_forest(Scene& s, const Terrain& t, float share) {
  Rgb leaves = s.one_of({{.1f, .2f, .11f}, {.16f, .24f, .12f}, {.3f, .26f, .1f}}, 0.25f);
  bool conifers = s.chance(0.75f);
  float from = s.uniform(-0.5f, 0.2f), to = s.chance(0.5f) ? 0.5f : s.uniform(from, 0.5f);
  for (float z = 8; z > 1.6f; z *= 0.93f)
    for (int i = 0; i < 4; ++i) {
      float x = s.uniform(-0.55f, 0.55f);
      if (x < from || x > to || !s.chance(share)) continue;
      Vec foot = project(s, t, x * z, z);
      float h = s.uniform(0.35f, 0.6f) / z;
      conifers ? draw_conifer(s, foot, h, leaves, 0.06f * z)
               : draw_tree(s, foot, h, leaves, 0.06f * z);
    }
}

}  // namespace

void draw_mountain(Scene& s) {
  s.horizon = s.uniform(0.52f, 0.74f);
  draw_sky(s, s.horizon);
  Massif m = random_massif(s);
  Rgb rock = s.one_of({{.42f, .4f, .39f},
                       {.48f, .4f, .32f},
                       {.35f, .33f, .32f},
                       {.5f, .36f, .28f},
                       {.36f, .38f, .42f}});
  Rgb grass = s.one_of({{.3f, .38f, .16f},
                        {.45f, .4f, .22f},
                        {.22f, .32f, .16f},
                        {.5f, .42f, .28f},
                        {.75f, .77f, .8f}});
  Rgb snow = s.near({.92f, .94f, .97f}, 0.04f);
  float snowline = s.chance(0.2f) ? 99 : s.uniform(0.8f, 5), treeline = s.uniform(0.8f, 3),
        ox = s.uniform(0, 1);
  const Noise& n = noise();
  Terrain t;
  t.near = 0.9f;
  t.far = 32;
  t.eye = s.uniform(0.5f, 1.3f);
  t.height = [&](float x, float z) { return m.height(x, z); };
  t.shade = [&](float x, float z, float h, float sx, float sz) {
    float patch = n(x * 0.11f + ox, z * 0.11f), steep = std::sqrt(sx * sx + sz * sz);
    Rgb ground =
        mix(grass, rock, smooth(treeline - 0.6f, treeline + 0.8f, h + patch + 0.3f * steep));
    float white =
        smooth(snowline - 0.3f, snowline + 0.5f, h + 1.6f * (patch - 0.5f) - 0.55f * steep);
    ground = mix(ground * (0.75f + 0.5f * n(x * 0.4f, z * 0.4f + ox)), snow, white);
    return s.lit(ground, 1.2f * facing(s.light, sx, sz));
  };
  draw_terrain(s, t);
  if (s.chance(0.5f)) draw_forest(s, t, s.uniform(0.3f, 0.9f));
  float kind = s.uniform(0, 1);
  if (kind < 0.3f) {
    float shore = s.horizon + s.uniform(0.06f, 0.16f);
    draw_mirror(s, shore, s.one_of({{.1f, .2f, .26f}, {.14f, .26f, .26f}, {.12f, .16f, .2f}}),
                s.uniform(0.1f, 0.8f), s.uniform(0.4f, 0.8f));
  } else if (kind < 0.4f) {
    draw_house(s, project(s, t, s.uniform(-0.3f, 0.2f) * 3, 3), s.uniform(0.08f, 0.16f), 0.2f);
  }
}

}  // namespace tweed::scenes
