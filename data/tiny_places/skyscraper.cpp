// Skyscrapers: one seen from the street, a few together, or a whole skyline.
#include "data/tiny_places/scene.h"

namespace tweed::scenes {
namespace {

enum class Facade { grid, bands, stripes, glass };

struct Tower {
  float x, foot, width, height;  // of the front face
  float side;                    // width of the side face: to the right if positive
  float taper;                   // how much narrower the top is, by perspective
  float slant;                   // how far lines on the side face drop
  int columns, floors;
  Facade facade;
  Rgb wall, pane;
  float lit_windows, depth;
  uint32_t key;
};

Rgb facade_color(const Scene& s, const Tower& t, float u, float v, float toward) {
  float cx = u * float(t.columns), cy = v * float(t.floors);
  int column = int(cx), floor = int(cy);
  float px = cx - float(column), py = cy - float(floor);
  bool window = t.facade == Facade::grid      ? px > 0.25f && px < 0.8f && py > 0.25f && py < 0.8f
                : t.facade == Facade::bands   ? py > 0.45f
                : t.facade == Facade::stripes ? px > 0.4f
                                              : px > 0.1f && py > 0.12f;
  if (!window || v < 0.02f) return s.lit(t.wall, toward);
  if (hash01(column, floor, t.key) < t.lit_windows)
    return Rgb{1.0f, .85f, .5f} * (0.6f + 0.4f * hash01(floor, column, t.key));
  // Glass mirrors the sky, each pane a little differently.
  float wave = noise()(u * 0.4f + float(t.key & 15), v * 0.5f);
  Rgb sky = mix(s.light.horizon, s.light.zenith, clamp01(0.3f + 0.6f * v + (wave - 0.5f)));
  float tint = 0.75f + 0.3f * hash01(column, floor, t.key + 1);
  return mix(s.lit(t.pane, toward), sky * (0.5f + 0.6f * toward), 0.5f) * tint;
}

void draw_face(Scene& s, const Tower& t, float left, float right, float slant, float toward,
               float u0, float u1) {
  float middle = t.x + t.width / 2, top_left = mix(left, middle, t.taper),
        top_right = mix(right, middle, t.taper);
  float top = t.foot - t.height;
  bool falls_right = right > t.x + t.width * 0.5f + 1e-4f && left >= t.x + t.width - 1e-4f;
  float drop_left = falls_right ? 0 : slant, drop_right = falls_right ? slant : 0;
  Vec a{left, t.foot}, b{top_left, top + drop_left}, c{top_right, top + drop_right},
      d{right, t.foot};
  s.canvas.polygon({a, b, c, d}, [&](float x, float y) {
    float rise = clamp01((t.foot - y) / t.height);
    float l = mix(left, top_left, rise), r = mix(right, top_right, rise),
          u = clamp01((x - l) / std::max(1e-4f, r - l));
    float roof = top + mix(drop_left, drop_right, u), v = clamp01((t.foot - y) / (t.foot - roof));
    return s.hazed(facade_color(s, t, mix(u0, u1, u), v, toward), t.depth + 0.3f * rise * t.depth);
  });
}

void draw_roof(Scene& s, const Tower& t) {
  float middle = t.x + t.width / 2, top = t.foot - t.height, w = t.width * (1 - t.taper);
  Rgb color = s.hazed(s.lit(t.wall * 0.8f, 0.4f), t.depth);
  float kind = s.uniform(0, 1);
  if (kind < 0.25f)
    s.canvas.line({middle, top}, {middle, top - t.height * s.uniform(0.1f, 0.25f)}, w * 0.1f,
                  w * 0.03f, color);
  if (kind > 0.8f)
    s.canvas.polygon({{middle - w * 0.45f, top},
                      {middle, top - w * s.uniform(0.5f, 1.5f)},
                      {middle + w * 0.45f, top}},
                     color);
  if (kind > 0.5f && kind < 0.8f)
    s.canvas.rectangle(middle - w * 0.25f, top - w * 0.15f, middle + w * 0.2f, top, color);
}

void draw_tower(Scene& s, const Tower& t) {
  float front = s.light.side * t.side < 0 ? 0.75f : 0.4f,
        flank = s.light.side * t.side > 0 ? 0.8f : 0.12f;
  if (t.side > 0)
    draw_face(s, t, t.x + t.width, t.x + t.width + t.side, t.slant, flank, 0, 0.6f);
  else
    draw_face(s, t, t.x + t.side, t.x, t.slant, flank, 0, 0.6f);
  draw_face(s, t, t.x, t.x + t.width, 0, front, 0, 1);
  draw_roof(s, t);
}

Tower random_tower(Scene& s, float x, float foot, float width, float height) {
  Tower t{};
  t.x = x;
  t.foot = foot;
  t.width = width;
  t.height = height;
  t.side = width * s.uniform(0.25f, 0.8f) * (s.chance(0.5f) ? 1.f : -1.f);
  t.slant = std::abs(t.side) * s.uniform(0.1f, 0.5f);
  float floor_height = s.uniform(0.018f, 0.04f) * std::max(0.6f, width * 4);
  t.floors = std::max(5, int(height / floor_height));
  t.columns = std::max(3, int(width / floor_height * s.uniform(0.6f, 1)));
  t.facade = Facade(s.below(4));
  t.wall = s.one_of({{.6f, .56f, .5f},
                     {.45f, .32f, .25f},
                     {.4f, .42f, .45f},
                     {.75f, .74f, .7f},
                     {.25f, .27f, .3f},
                     {.5f, .5f, .42f}});
  t.pane = s.one_of({{.15f, .2f, .28f}, {.1f, .25f, .26f}, {.3f, .24f, .16f}, {.2f, .2f, .22f}});
  bool dark = brightness(s.light.horizon) < 0.5f;
  t.lit_windows = s.light.night ? s.uniform(0.25f, 0.7f)
                  : dark        ? s.uniform(0.1f, 0.5f)
                                : s.uniform(0, 0.06f);
  t.key = s.random.bits();
  return t;
}

void draw_skyline(Scene& s) {
  s.horizon = s.uniform(0.68f, 0.85f);
  draw_sky(s, s.horizon);
  int layers = 2 + s.below(2);
  for (int layer = 0; layer < layers; ++layer) {
    float near = float(layer + 1) / float(layers);
    for (float x = s.uniform(-0.15f, 0); x < 1;) {
      float width = s.uniform(0.05f, 0.14f) * (0.7f + 0.5f * near),
            height = s.uniform(0.12f, 0.6f) * s.uniform(0.6f, 1);
      Tower t = random_tower(s, x, s.horizon + 0.02f, width, height);
      t.depth = 0.3f + 1.3f * (1 - near);
      draw_tower(s, t);
      x += width * s.uniform(0.9f, 2.2f);
    }
  }
  float front = s.uniform(0, 1);
  if (front < 0.4f) {
    draw_mirror(s, s.horizon + 0.02f, s.near({.12f, .18f, .22f}), s.uniform(0.3f, 1.1f),
                s.uniform(0.35f, 0.7f));
  } else {
    s.canvas.rectangle(0, s.horizon + 0.01f, 1, 1, s.lit(s.near({.3f, .3f, .3f}), 0.4f));
    Rgb leaves = s.near({.16f, .26f, .1f}, 0.3f);
    for (float x = 0; x < 1; x += s.uniform(0.03f, 0.14f))
      draw_tree(s, {x, s.horizon + 0.05f}, s.uniform(0.05f, 0.14f), leaves, 0.2f);
  }
}

void draw_street(Scene& s) {
  Rgb asphalt = s.lit(s.near({.28f, .28f, .3f}), 0.4f);
  s.canvas.rectangle(0, s.horizon, 1, 1, asphalt);
  for (int i = s.below(4) + 1; i > 0; --i) {
    float x = s.uniform(0, 0.9f), y = s.uniform(s.horizon + 0.03f, 0.97f),
          w = 0.3f * (y - s.horizon) + 0.05f;
    Rgb paint = s.lit({s.uniform(.1f, .9f), s.uniform(.1f, .8f), s.uniform(.05f, .6f)}, 0.5f);
    s.canvas.rectangle(x, y - w * 0.3f, x + w, y, paint);
    s.canvas.polygon({{x + w * .2f, y - w * .3f},
                      {x + w * .3f, y - w * .5f},
                      {x + w * .7f, y - w * .5f},
                      {x + w * .85f, y - w * .3f}},
                     paint * 0.5f);
  }
}

// A few towers, the tallest of them large; verticals converge when the camera looks up.
void draw_close(Scene& s) {
  bool up = s.chance(0.6f);
  s.horizon = up ? s.uniform(0.92f, 1.1f) : s.uniform(0.8f, 0.92f);
  draw_sky(s, s.horizon);
  for (int i = s.below(5) + 1; i > 0; --i) {
    Tower t = random_tower(s, s.uniform(-0.1f, 1), s.horizon + 0.05f, s.uniform(0.1f, 0.25f),
                           s.uniform(0.2f, 0.6f));
    t.taper = up ? s.uniform(0.1f, 0.3f) : 0.02f;
    t.depth = s.uniform(0.4f, 1);
    draw_tower(s, t);
  }
  int heroes = 1 + s.below(3);
  for (int i = 0; i < heroes; ++i) {
    float width = s.uniform(0.18f, 0.38f) / std::sqrt(float(heroes));
    float x =
        heroes == 1 ? s.uniform(0.2f, 0.55f) : (float(i) + s.uniform(0, 0.7f)) / float(heroes);
    Tower t = random_tower(s, x, s.horizon + 0.05f, width, s.uniform(0.6f, 1.15f) * s.horizon);
    t.taper = up ? s.uniform(0.2f, 0.55f) : s.uniform(0, 0.06f);
    t.depth = 0.1f;
    draw_tower(s, t);
    if (s.chance(0.25f)) {  // set back: a narrower part on top
      Tower upper = t;
      upper.foot = t.foot - t.height;
      upper.x = t.x + t.width * (0.25f + 0.25f * t.taper);
      upper.width = t.width * 0.5f * (1 - t.taper);
      upper.side = t.side * 0.5f * (1 - t.taper);
      upper.height = t.height * s.uniform(0.15f, 0.35f);
      upper.floors = std::max(3, t.floors / 4);
      draw_tower(s, upper);
    }
  }
  if (s.horizon < 1) draw_street(s);
}

}  // namespace

void draw_skyscraper(Scene& s) { s.chance(0.4f) ? draw_skyline(s) : draw_close(s); }

}  // namespace tweed::scenes
