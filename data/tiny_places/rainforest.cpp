// Inside a forest: trunks near and far, leaves above, ferns below, often a path between them.
#include "data/tiny_places/scene.h"

namespace tweed::scenes {
namespace {

struct Forest {
  Rgb glow, leaf, bark, floor;  // light between the trees, and surfaces
  float depth_fog;              // how soon trees fade into the glow
  float lean;

  Rgb faded(Rgb c, float depth) const { return mix(glow, c, std::exp(-depth_fog * depth)); }
};

Forest random_forest(Scene& s) {
  Forest f;
  Rgb leaf = s.one_of({{.16f, .3f, .08f},
                       {.22f, .34f, .1f},
                       {.1f, .22f, .1f},
                       {.4f, .36f, .1f},
                       {.2f, .26f, .14f}});
  f.leaf = leaf;
  f.bark = s.one_of({{.28f, .2f, .14f},
                     {.22f, .22f, .18f},
                     {.38f, .34f, .28f},
                     {.16f, .12f, .1f},
                     {.24f, .28f, .16f}});
  f.floor = s.one_of({{.26f, .2f, .12f}, {.18f, .26f, .1f}, {.34f, .26f, .16f}, {.2f, .18f, .14f}});
  f.glow = mix(s.light.horizon, s.light.horizon * leaf * 3, s.uniform(0.2f, 0.85f)) *
           s.uniform(0.5f, 1.1f);
  f.depth_fog = s.uniform(0.25f, 0.8f);
  f.lean = s.uniform(-0.06f, 0.06f);
  return f;
}

void draw_backdrop(Scene& s, const Forest& f) {
  const Noise& n = noise();
  float ox = s.uniform(0, 1), oy = s.uniform(0, 1), gaps = s.uniform(0.45f, 0.7f);
  s.canvas.fill(0, 0, 1, s.horizon + 0.02f, [&](float x, float y) {
    float clump = n(x * 0.8f + ox, y * 0.8f + oy), fine = n(x * 2.6f + oy, y * 2.6f + ox);
    Rgb leaves = f.faded(s.lit(f.leaf, clamp01(fine)), 1.6f);
    return mix(leaves, f.glow * 1.25f, smooth(gaps, gaps + 0.2f, 0.6f * clump + 0.4f * fine));
  });
}

void draw_floor(Scene& s, const Forest& f, bool path) {
  const Noise& n = noise();
  float ox = s.uniform(0, 1), bend = s.uniform(-1, 1), aim = s.uniform(-0.6f, 0.6f),
        width = s.uniform(0.14f, 0.34f);
  float phase = s.uniform(0, 6.28f);
  Rgb way = s.one_of({{.5f, .4f, .28f}, {.4f, .36f, .32f}, {.36f, .26f, .18f}, {.6f, .55f, .48f}});
  draw_plane(s, s.horizon, [&](float x, float z) {
    float litter = n(x * 0.5f + ox, z * 0.5f),
          light = smooth(0.45f, 0.7f, n(x * 0.16f, z * 0.16f + ox));
    Rgb ground = mix(f.floor, f.leaf, smooth(0.5f, 0.7f, n(x * 0.22f + ox, z * 0.22f + 0.3f)));
    float middle =
        aim * (z - 1) * 0.3f + bend * std::sin(0.45f * z + phase) - bend * std::sin(0.45f + phase);
    if (path)
      ground =
          mix(ground, way,
              smooth(width + 0.08f, width - 0.02f, std::abs(x - middle) + 0.25f * (litter - 0.5f)));
    return f.faded(s.lit(ground * (0.6f + 0.8f * litter), 0.15f + 0.6f * light), 0.25f * (z - 1));
  });
}

void draw_trunk(Scene& s, const Forest& f, float x, float z) {
  float foot = s.horizon + 0.5f / z, width = s.uniform(0.05f, 0.13f) / z,
        lean = f.lean + s.uniform(-0.08f, 0.08f);
  float top = std::min(-0.05f, foot - 2.f / z), tip = s.uniform(0.5f, 0.8f),
        bow = s.uniform(-0.03f, 0.03f);
  const Noise& n = noise();
  float ox = s.uniform(0, 1), height = foot - top;
  auto middle = [&](float t) { return x + lean * height * t + bow * std::sin(3.1f * t); };
  Outline line;
  for (int side : {-1, 1})
    for (int i = 0; i <= 4; ++i) {
      float t = (side < 0 ? float(i) : float(4 - i)) / 4,
            w = width * mix(1, tip, t) * (t == 0 ? 1.5f : 1);
      line.push_back({middle(t) + float(side) * w / 2, foot - height * t});
    }
  s.canvas.polygon(line, [&](float px, float py) {
    float t = (foot - py) / height, round = (px - middle(t)) / width;
    float bark = n(px * 4 + ox, py * 0.9f),
          toward = clamp01(0.4f + 0.9f * round * s.light.side + 0.6f * (bark - 0.5f));
    Rgb color = mix(f.bark, f.leaf, smooth(0.55f, 0.8f, n(px + ox, py * 0.6f)));
    return f.faded(s.lit(color * (0.7f + 0.6f * bark), toward), 0.3f * (z - 1));
  });
  if (s.chance(0.3f)) {  // a low branch
    float t = s.uniform(0.3f, 0.7f), side = s.chance(0.5f) ? 1.f : -1.f;
    Vec from{middle(t), foot - height * t};
    s.canvas.line(from, {from.x + side * 0.3f / z, from.y - s.uniform(0, 0.2f) / z}, width * 0.35f,
                  width * 0.1f, f.faded(s.lit(f.bark, 0.3f), 0.3f * (z - 1)));
  }
}

// Leaves that hang in a cloud around a place.
void draw_leaves(Scene& s, const Forest& f, Vec around, float reach, float size, int count,
                 float depth) {
  for (int i = 0; i < count; ++i) {
    Vec at{around.x + s.uniform(-1, 1) * reach, around.y + s.uniform(-0.6f, 0.6f) * reach};
    float toward = clamp01(0.4f + (around.y - at.y) / reach + s.uniform(-0.3f, 0.3f)),
          wide = s.uniform(0.7f, 1.5f);
    s.canvas.ellipse(at, size * wide, size / wide,
                     f.faded(s.lit(f.leaf * s.uniform(0.8f, 1.2f), toward), depth));
  }
}

void draw_fern(Scene& s, const Forest& f, Vec foot, float size, float depth) {
  int fronds = 5 + s.below(4);
  for (int i = 0; i < fronds; ++i) {
    float reach = size * s.uniform(-1, 1), lift = size * s.uniform(0.6f, 1.1f);
    Rgb color = f.faded(s.lit(f.leaf * s.uniform(0.9f, 1.5f), s.uniform(0.1f, 0.8f)), depth);
    s.canvas.curve(foot, {foot.x + reach * 0.4f, foot.y - lift},
                   {foot.x + reach, foot.y - lift * 0.45f}, size * 0.1f, size * 0.02f, color);
  }
}

void draw_vines(Scene& s, const Forest& f) {
  for (int i = 1 + s.below(4); i > 0; --i) {
    Vec a{s.uniform(0, 1), -0.05f},
        c{a.x + s.uniform(-0.4f, 0.4f), s.chance(0.5f) ? -0.05f : s.uniform(0.3f, 0.8f)};
    Vec b{(a.x + c.x) / 2, s.uniform(0.3f, 0.9f)};
    s.canvas.curve(a, b, c, 0.012f, 0.007f, f.faded(s.lit(f.bark * 0.8f, 0.3f), 0.2f));
  }
}

void draw_shafts(Scene& s) {
  float slant = s.light.side * s.uniform(0.2f, 0.6f);
  for (int i = 2 + s.below(4); i > 0; --i) {
    float x = s.uniform(0, 1), w = s.uniform(0.03f, 0.1f);
    s.canvas.polygon(
        {{x, 0}, {x + w, 0}, {x + w * 1.8f - slant, 0.95f}, {x - w * 0.5f - slant, 0.95f}},
        mix(s.light.sun, {1, 1, .9f}, 0.3f), 0.13f);
  }
}

}  // namespace

void draw_rainforest(Scene& s) {
  s.horizon = s.uniform(0.42f, 0.64f);
  Forest f = random_forest(s);
  bool path = s.chance(0.6f);
  draw_backdrop(s, f);
  draw_floor(s, f, path);
  float clear = path ? s.uniform(0.15f, 0.35f) : 0, dense = s.uniform(0.5f, 1);
  float ferns = s.uniform(0.1f, 0.9f), foliage = s.uniform(0.3f, 1);
  for (float z = 7; z > 0.95f; z *= 0.87f) {
    float depth = 0.3f * (z - 1);
    int trunks = int(1 + dense * std::min(4.f, 0.9f * z));
    for (int i = 0; i < trunks; ++i) {
      float x = s.uniform(-0.58f, 0.58f);
      if (std::abs(x) * std::max(1.f, z * 0.7f) < clear) continue;
      draw_trunk(s, f, 0.5f + x, z * s.uniform(0.95f, 1.05f));
    }
    if (s.chance(foliage))
      draw_leaves(s, f, {s.uniform(0, 1), s.uniform(0, 0.25f)}, 0.35f / std::sqrt(z) + 0.1f,
                  0.016f / z + 0.005f, 40, depth);
    for (int i = 0; i < 3; ++i) {
      float x = s.uniform(-0.55f, 0.55f);
      if (!s.chance(ferns) || std::abs(x) * z < clear) continue;
      draw_fern(s, f, {0.5f + x, s.horizon + 0.5f / z + 0.01f}, s.uniform(0.1f, 0.22f) / z, depth);
    }
  }
  if (s.chance(0.35f)) draw_vines(s, f);
  if (s.chance(0.3f)) draw_shafts(s);
  if (s.chance(0.5f))
    draw_leaves(s, f, {s.chance(0.5f) ? 0.05f : 0.95f, s.uniform(0, 0.2f)}, 0.28f, 0.016f, 60, 0);
}

}  // namespace tweed::scenes
