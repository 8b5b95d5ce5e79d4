// Corn in rows that run to the horizon: young plants on soil, or tall stalks around the camera.
#include "data/tiny_places/scene.h"

namespace tweed::scenes {
namespace {

struct Crop {
  Rgb leaf, stalk, tassel, soil;
  float spacing;  // between rows
  float turn;     // direction of the rows
  float shift;    // of the rows, sideways
  float tall;     // height of the plants, in units of the camera's
  float full;     // share of the ground that leaves hide
};

Crop random_crop(Scene& s) {
  Crop c;
  c.leaf = s.one_of({{.24f, .42f, .12f},
                     {.3f, .5f, .16f},
                     {.6f, .5f, .2f},
                     {.5f, .38f, .2f},
                     {.35f, .42f, .2f},
                     {.15f, .3f, .14f}});
  c.stalk = mix(c.leaf, {.5f, .45f, .2f}, s.uniform(0.2f, 0.6f)) * 0.8f;
  c.tassel = s.near({.72f, .58f, .3f}, 0.2f);
  c.soil =
      s.one_of({{.34f, .25f, .17f}, {.45f, .35f, .25f}, {.22f, .17f, .13f}, {.5f, .36f, .26f}});
  c.spacing = s.uniform(0.22f, 0.45f);
  c.turn = s.chance(0.6f) ? s.uniform(-0.25f, 0.25f) : s.uniform(-0.9f, 0.9f);
  c.shift = s.uniform(0, 1);
  return c;
}

// A row's number and the place within it, -0.5...0.5.
float across_rows(const Crop& c, float x, float z) {
  return (x - c.turn * z) / c.spacing + c.shift;
}

// Rows from above: leaves along their middles, soil between, lit tops of leaves.
void draw_rows(Scene& s, const Crop& c) {
  const Noise& n = noise();
  float ox = s.uniform(0, 1), oz = s.uniform(0, 1), relief = s.uniform(0.4f, 1);
  draw_plane(s, s.horizon, [&](float x, float z) {
    float row = across_rows(c, x, z), place = row - std::floor(row) - 0.5f;
    float tuft = n(row * 0.13f + ox, z * 0.9f + oz), broad = n(x * 0.05f + oz, z * 0.05f + ox);
    float width = c.full * (0.3f + 0.4f * tuft);
    float leaf = smooth(width, width * 0.6f, std::abs(place));
    // Beyond a distance rows are narrower than a pixel and show as an even tone.
    float blend = smooth(8, 22, z * c.spacing * 3);
    leaf = mix(leaf, c.full * 0.85f, blend);
    float shade =
        0.5f + relief * (0.5f * place * s.light.side / std::max(0.1f, width) * (1 - blend) +
                         1.2f * (tuft - 0.5f));
    Rgb green = s.lit(c.leaf * (0.75f + 0.5f * broad), clamp01(shade));
    Rgb earth = s.lit(c.soil * (0.8f + 0.4f * tuft), 0.45f);
    return s.hazed(mix(earth, green, leaf), 0.08f * z);
  });
}

void draw_leaf(Scene& s, Vec from, float length, float lift, Rgb color) {
  Vec end{from.x + length, from.y + std::abs(length) * s.uniform(-0.2f, 0.6f)};
  s.canvas.curve(from, {from.x + length * 0.5f, from.y - lift}, end, std::abs(length) * 0.16f,
                 std::abs(length) * 0.02f, color);
}

void draw_plant(Scene& s, const Crop& c, Vec foot, float height, float depth) {
  bool small = height < 0.07f;
  float lean = s.uniform(-0.06f, 0.06f) * height;
  Vec top{foot.x + lean, foot.y - height};
  s.canvas.line(foot, top, height * 0.035f, height * 0.02f, s.hazed(s.lit(c.stalk, 0.4f), depth));
  int leaves = small ? 4 : 8;
  float side = s.chance(0.5f) ? 1.f : -1.f;
  for (int i = 0; i < leaves; ++i, side = -side) {
    float t = 0.12f + 0.8f * float(i) / float(leaves);
    Vec at{foot.x + lean * t, foot.y - height * t};
    float length = side * height * s.uniform(0.2f, 0.36f);
    Rgb color =
        s.hazed(s.lit(c.leaf * s.uniform(0.8f, 1.2f),
                      side * s.light.side > 0 ? s.uniform(.4f, .95f) : s.uniform(0.05f, 0.5f)),
                depth);
    if (small)
      s.canvas.line(at, {at.x + length, at.y - height * s.uniform(0, 0.12f)}, height * 0.06f,
                    height * 0.01f, color);
    else
      draw_leaf(s, at, length, height * s.uniform(0.06f, 0.16f), color);
  }
  if (c.tall < 0.8f || small) return;
  for (float a : {-0.05f, 0.f, 0.05f})
    s.canvas.line(top, {top.x + a * height, top.y - height * 0.12f}, height * 0.014f,
                  s.hazed(s.lit(c.tassel, 0.7f), depth));
  if (s.chance(0.5f))
    s.canvas.ellipse(
        {foot.x + lean * 0.5f + side * height * 0.03f, foot.y - height * s.uniform(0.45f, 0.6f)},
        height * 0.022f, height * 0.06f, s.hazed(s.lit(c.tassel, 0.6f), depth));
}

// Stalks row by row, far ones first; none in the lane that the camera stands in.
void draw_plants(Scene& s, const Crop& c, float far, float near, float lane) {
  for (float z = far; z > near; z *= 0.84f) {
    float half = 0.62f * z;
    int first = int(std::floor(across_rows(c, -half, z))),
        last = int(std::ceil(across_rows(c, half, z)));
    if (last - first > 26) continue;
    for (int k = first; k <= last; ++k) {
      float x = (float(k) + 0.5f - c.shift) * c.spacing + c.turn * z + s.uniform(-0.03f, 0.03f);
      if (std::abs(x - c.turn * z) < lane) continue;
      float place = z * s.uniform(0.95f, 1.05f);
      Vec foot{0.5f + x / place, s.horizon + 0.5f / place};
      draw_plant(s, c, foot, c.tall * 0.5f / place * s.uniform(0.85f, 1.15f), 0.08f * z);
    }
  }
}

void draw_background(Scene& s) {
  if (s.chance(0.6f))
    draw_range(s, s.horizon, s.uniform(0.02f, 0.1f), 0.5f,
               s.one_of({{.2f, .3f, .14f}, {.4f, .36f, .25f}, {.3f, .35f, .4f}}),
               s.uniform(0.8f, 2.f));
  if (s.chance(0.3f))
    draw_range(s, s.horizon, s.uniform(0.1f, 0.25f), 0.55f, s.near({.32f, .33f, .36f}), 2.2f);
  if (s.chance(0.45f)) {
    Rgb leaves = s.near({.18f, .28f, .1f}, 0.3f);
    float from = s.uniform(0, 0.7f), to = from + s.uniform(0.15f, 0.8f);
    for (float x = from; x < to; x += s.uniform(0.015f, 0.09f))
      draw_tree(s, {x, s.horizon + 0.012f}, s.uniform(0.04f, 0.12f), leaves, 0.7f);
  }
  if (s.chance(0.3f)) {
    float x = s.uniform(0.05f, 0.8f), w = s.uniform(0.06f, 0.16f);
    draw_house(s, {x, s.horizon + 0.015f}, w, 0.4f);
    if (s.chance(0.5f)) {
      Rgb silo = s.hazed(s.lit({.7f, .7f, .72f}, 0.6f), 0.4f);
      s.canvas.rectangle(x - w * 0.3f, s.horizon - w, x - w * 0.05f, s.horizon + 0.015f, silo);
      s.canvas.ellipse({x - w * 0.175f, s.horizon - w}, w * 0.125f, w * 0.12f, silo * 0.85f);
    }
  }
}

}  // namespace

void draw_corn_field(Scene& s) {
  s.horizon = s.uniform(0.25f, 0.55f);
  draw_sky(s, s.horizon);
  draw_background(s);
  Crop c = random_crop(s);
  int view = s.below(3);
  if (view == 0) {  // from above: rows
    c.tall = s.uniform(0.15f, 0.4f);
    c.full = s.uniform(0.5f, 1);
    draw_rows(s, c);
    draw_plants(s, c, 3, 0.85f, 0);
  } else if (view == 1) {  // between tall stalks
    s.horizon = s.uniform(0.42f, 0.62f);
    c.tall = s.uniform(1, 1.7f);
    c.full = 1;
    c.turn *= 0.3f;
    draw_rows(s, c);
    draw_plants(s, c, 9, 0.75f, c.spacing * s.uniform(0.5f, 0.9f));
  } else {  // at the edge: a wall of corn behind some soil or stubble
    c.tall = s.uniform(0.75f, 1.25f);
    c.full = s.uniform(0.2f, 0.5f);
    c.spacing = s.uniform(0.16f, 0.28f);
    draw_rows(s, c);
    float front = s.uniform(1, 1.7f);
    draw_plants(s, c, 5, front, 0);
  }
}

}  // namespace tweed::scenes
