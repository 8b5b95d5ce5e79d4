// Plants, people and other things that stand in scenes.
#include "data/tiny_places/scene.h"

namespace tweed::scenes {

void draw_conifer(Scene& s, Vec foot, float height, Rgb leaves, float depth) {
  float width = height * s.uniform(0.16f, 0.26f), lean = s.uniform(-0.02f, 0.02f) * height;
  Rgb dark = s.hazed(s.lit(leaves, 0.1f), depth), bright = s.hazed(s.lit(leaves, 0.7f), depth);
  bool white = s.light.snow || s.chance(0.15f);
  Rgb snow = s.hazed(s.lit({.9f, .92f, .95f}, 0.6f), depth);
  s.canvas.line(foot, {foot.x, foot.y - height * 0.3f}, height * 0.05f,
                s.hazed(s.lit({.25f, .18f, .12f}, 0.3f), depth));
  int tiers = height > 0.12f ? 5 : 3;
  for (int i = 0; i < tiers; ++i) {
    float t = float(i) / float(tiers), w = width * (1 - t * 0.85f);
    float low = foot.y - height * (0.1f + 0.8f * t),
          tip = low - height * (1.15f / float(tiers) + 0.08f);
    Vec top{foot.x + lean * t, tip};
    s.canvas.polygon({{foot.x - w, low}, top, {foot.x + w, low}}, dark);
    float lit_end = foot.x + (s.light.side > 0 ? w : -w);
    s.canvas.polygon({{foot.x, low}, top, {lit_end, low}}, white ? snow : bright, 0.7f);
  }
}

void draw_tree(Scene& s, Vec foot, float height, Rgb leaves, float depth) {
  Rgb bark = s.hazed(s.lit(s.near({.28f, .22f, .16f}), 0.4f), depth);
  float crown = height * s.uniform(0.28f, 0.42f);
  s.canvas.line(foot, {foot.x, foot.y - height * 0.6f}, height * 0.07f, height * 0.04f, bark);
  for (int i = 0; i < 9; ++i) {
    float turn = s.uniform(0, 6.28f), r = s.uniform(0, crown * 0.7f);
    Vec at{foot.x + std::cos(turn) * r, foot.y - height * 0.68f + std::sin(turn) * r * 0.8f};
    float toward =
        clamp01(0.45f - 0.5f * std::sin(turn) * r / crown + 0.3f * s.light.side * std::cos(turn));
    Rgb color = s.hazed(s.lit(s.near(leaves, 0.12f), toward), depth);
    s.canvas.ellipse(at, crown * 0.5f, crown * 0.42f, color);
  }
}

void draw_palm(Scene& s, Vec foot, float height, float depth) {
  float lean = s.uniform(-0.35f, 0.35f) * height;
  Vec top{foot.x + lean, foot.y - height};
  Rgb bark = s.hazed(s.lit(s.near({.36f, .27f, .18f}), 0.4f), depth);
  Rgb leaf = s.near({.16f, .36f, .12f}, 0.25f);
  s.canvas.curve(foot, {foot.x + lean * 0.1f, foot.y - height * 0.6f}, top, height * 0.06f,
                 height * 0.035f, bark);
  for (int i = 0; i < 9; ++i) {
    float turn = s.uniform(-0.4f, 3.5f), length = height * s.uniform(0.35f, 0.5f);
    Vec end{top.x + std::cos(turn) * length,
            top.y - std::sin(turn) * length * 0.5f + length * 0.35f};
    Vec bend{top.x + std::cos(turn) * length * 0.5f, top.y - length * 0.45f};
    s.canvas.curve(top, bend, end, height * 0.05f, height * 0.01f,
                   s.hazed(s.lit(leaf, s.uniform(0, 0.9f)), depth));
  }
}

void draw_person(Scene& s, Vec foot, float height, float depth) {
  Rgb shirt =
      s.hazed(s.lit({s.uniform(0.1f, .9f), s.uniform(.1f, .9f), s.uniform(.1f, .9f)}, 0.5f), depth);
  Rgb trousers = s.hazed(s.lit(s.near({.2f, .2f, .28f}, 0.5f), 0.4f), depth);
  Rgb skin = s.hazed(
      s.lit(s.one_of({{.85f, .65f, .52f}, {.5f, .34f, .24f}, {.3f, .2f, .15f}}), 0.5f), depth);
  float step = s.uniform(-0.1f, 0.1f) * height;
  s.canvas.line({foot.x - step, foot.y}, {foot.x, foot.y - height * 0.5f}, height * 0.11f,
                trousers);
  s.canvas.line({foot.x + step, foot.y}, {foot.x, foot.y - height * 0.5f}, height * 0.11f,
                trousers);
  s.canvas.line({foot.x, foot.y - height * 0.45f}, {foot.x, foot.y - height * 0.84f}, height * 0.2f,
                shirt);
  s.canvas.ellipse({foot.x, foot.y - height * 0.91f}, height * 0.075f, height * 0.09f, skin);
}

void draw_boat(Scene& s, Vec at, float length, float depth) {
  Rgb hull = s.hazed(
      s.lit(s.one_of({{.85f, .85f, .85f}, {.5f, .12f, .1f}, {.12f, .2f, .4f}}), 0.5f), depth);
  Rgb sail = s.hazed(s.lit(s.near({.9f, .88f, .84f}), 0.7f), depth);
  float h = length * 0.16f;
  s.canvas.polygon({{at.x - length / 2, at.y - h},
                    {at.x + length * 0.55f, at.y - h},
                    {at.x + length * 0.38f, at.y + h * 0.3f},
                    {at.x - length * 0.4f, at.y + h * 0.3f}},
                   hull);
  if (s.chance(0.6f)) {
    float mast = at.y - length * s.uniform(0.9f, 1.4f);
    s.canvas.polygon(
        {{at.x, mast}, {at.x, at.y - h * 1.4f}, {at.x - length * 0.42f, at.y - h * 1.4f}}, sail);
    s.canvas.polygon({{at.x + length * 0.05f, mast + length * 0.1f},
                      {at.x + length * 0.45f, at.y - h * 1.4f},
                      {at.x + length * 0.05f, at.y - h * 1.4f}},
                     sail * 0.85f);
  } else {
    s.canvas.rectangle(at.x - length * 0.25f, at.y - h * 2.6f, at.x + length * 0.2f, at.y - h,
                       sail);
  }
}

void draw_house(Scene& s, Vec foot, float width, float depth) {
  Rgb wall = s.one_of({{.7f, .65f, .58f}, {.55f, .15f, .1f}, {.8f, .8f, .78f}, {.45f, .35f, .28f}});
  Rgb roof = s.hazed(s.lit(s.one_of({{.4f, .16f, .1f}, {.25f, .25f, .28f}, {.5f, .5f, .5f}}), 0.6f),
                     depth);
  float h = width * s.uniform(0.45f, 0.7f), eaves = foot.y - h,
        ridge = eaves - width * s.uniform(0.25f, 0.5f);
  float split = foot.x + width * s.uniform(0.1f, 0.4f), right = foot.x + width;
  s.canvas.rectangle(foot.x, eaves, split, foot.y,
                     s.hazed(s.lit(wall, s.light.side < 0 ? 0.7f : 0.2f), depth));
  s.canvas.rectangle(split, eaves, right, foot.y,
                     s.hazed(s.lit(wall, s.light.side < 0 ? 0.3f : 0.7f), depth));
  float peak = (foot.x + split) / 2;
  s.canvas.polygon({{foot.x, eaves}, {peak, ridge}, {split, eaves}},
                   s.hazed(s.lit(wall, s.light.side < 0 ? 0.7f : 0.2f), depth));
  s.canvas.polygon({{peak, ridge}, {right - (split - peak), ridge}, {right, eaves}, {split, eaves}},
                   roof);
}

namespace {

void draw_twigs(Scene& s) {
  bool right = s.chance(0.5f), broad = s.chance(0.5f);
  Rgb leaf =
      s.lit(s.one_of({{.12f, .22f, .08f}, {.3f, .3f, .08f}, {.15f, .12f, .1f}}, 0.3f), 0.25f);
  for (int i = 0; i < 4; ++i) {
    Vec from{right ? 1.02f : -0.02f, s.uniform(-0.05f, 0.3f)};
    Vec to{from.x + (right ? -1.f : 1.f) * s.uniform(0.15f, 0.45f),
           from.y + s.uniform(-0.1f, 0.2f)};
    s.canvas.line(from, to, 0.02f, 0.006f, leaf * 0.7f);
    for (int k = 0; k < 14; ++k) {
      float t = s.uniform(0.2f, 1);
      Vec at{mix(from.x, to.x, t) + s.uniform(-0.04f, 0.04f),
             mix(from.y, to.y, t) + s.uniform(-0.04f, 0.04f)};
      float size = s.uniform(0.008f, 0.022f);
      s.canvas.ellipse(at, broad ? size : size * 1.8f, broad ? size : size * 0.5f,
                       leaf * s.uniform(0.7f, 1.3f));
    }
  }
}

void draw_railing(Scene& s) {
  float top = s.uniform(0.8f, 0.92f), slope = s.uniform(-0.08f, 0.08f),
        gap = s.uniform(0.08f, 0.3f);
  Rgb color = s.lit(s.one_of({{.3f, .22f, .15f}, {.1f, .1f, .1f}, {.7f, .7f, .7f}}), 0.4f);
  s.canvas.line({-0.02f, top}, {1.02f, top + slope}, 0.025f, color);
  if (s.chance(0.6f))
    s.canvas.line({-0.02f, top + 0.09f}, {1.02f, top + slope + 0.09f}, 0.015f, color);
  for (float x = s.uniform(0, gap); x < 1; x += gap)
    s.canvas.line({x, top + slope * x}, {x, 1.05f}, 0.022f, color * 0.85f);
}

void draw_post(Scene& s) {
  float x = s.chance(0.5f) ? s.uniform(0.05f, 0.2f) : s.uniform(0.8f, 0.95f),
        width = s.uniform(0.01f, 0.05f);
  s.canvas.line({x, -0.05f}, {x + s.uniform(-0.02f, 0.02f), 1.05f}, width,
                s.lit(s.one_of({{.3f, .22f, .15f}, {.2f, .2f, .2f}, {.6f, .6f, .58f}}), 0.4f));
}

void draw_birds(Scene& s) {
  Rgb color = s.lit({.12f, .12f, .14f}, 0.3f);
  for (int i = s.below(6) + 1; i > 0; --i) {
    Vec at{s.uniform(0.05f, 0.95f), s.uniform(0.05f, 0.35f)};
    float span = s.uniform(0.012f, 0.03f), lift = span * s.uniform(0.1f, 0.7f);
    s.canvas.line(at, {at.x - span, at.y - lift}, 0.006f, color);
    s.canvas.line(at, {at.x + span, at.y - lift}, 0.006f, color);
  }
}

}  // namespace

void draw_foreground(Scene& s) {
  float kind = s.uniform(0, 1);
  if (kind < 0.10f)
    draw_twigs(s);
  else if (kind < 0.16f)
    draw_railing(s);
  else if (kind < 0.22f)
    draw_post(s);
  else if (kind < 0.32f)
    draw_birds(s);
  else if (kind < 0.38f)
    draw_person(s, {s.uniform(0.1f, 0.9f), s.uniform(0.95f, 1.05f)}, s.uniform(0.2f, 0.42f), 0);
}

}  // namespace tweed::scenes
