// Times of day, weather, and the sky they make.
#include "data/tiny_places/scene.h"

namespace tweed::scenes {
namespace {

struct Mood {
  Rgb zenith, horizon, sun, ambient;
  float height;  // of the sun
  float clouds;
};

const Mood moods[] = {
    {{.22f, .42f, .82f}, {.66f, .80f, .95f}, {.85f, .80f, .70f}, {.32f, .36f, .44f}, .7f, .4f},
    {{.42f, .62f, .88f}, {.80f, .87f, .93f}, {.75f, .72f, .66f}, {.38f, .40f, .44f}, .5f, .6f},
    {{.58f, .61f, .66f}, {.76f, .77f, .79f}, {.18f, .18f, .18f}, {.58f, .59f, .62f}, .6f, .9f},
    {{.28f, .33f, .58f}, {.98f, .66f, .36f}, {.85f, .55f, .28f}, {.32f, .27f, .32f}, .1f, .5f},
    {{.48f, .50f, .72f}, {.97f, .76f, .72f}, {.72f, .55f, .50f}, {.38f, .36f, .44f}, .15f, .5f},
    {{.10f, .13f, .30f}, {.52f, .42f, .50f}, {.22f, .18f, .24f}, {.24f, .25f, .36f}, .05f, .5f},
    {{.02f, .03f, .09f}, {.09f, .11f, .20f}, {.20f, .23f, .32f}, {.09f, .11f, .17f}, .5f, .3f},
    {{.20f, .22f, .27f}, {.52f, .53f, .52f}, {.14f, .14f, .15f}, {.40f, .41f, .44f}, .5f, 1.f},
};

void draw_stars(Scene& s, float bottom) {
  int count = s.below(60) + 10;
  for (int i = 0; i < count; ++i) {
    Vec at{s.uniform(0, 1), s.uniform(0, bottom)};
    s.canvas.ellipse(at, 0.004f, 0.004f, Rgb{.8f, .8f, .9f}, s.uniform(0.2f, 0.9f));
  }
}

void draw_sun(Scene& s, float bottom) {
  float x = mix(0.5f, s.light.side > 0 ? 0.95f : 0.05f, s.uniform(0, 1));
  float y = mix(bottom - 0.04f, 0.05f, clamp01(s.light.height + s.uniform(-0.1f, 0.1f)));
  Rgb color = mix(s.light.sun, Rgb{1, 1, .95f}, 0.6f);
  float radius = s.uniform(0.015f, 0.05f), seen = 1.1f - s.light.clouds;
  s.canvas.glow({x, y}, radius * s.uniform(5, 14), s.light.sun * (0.8f * seen));
  s.canvas.ellipse({x, y}, radius, radius, color, clamp01(seen));
}

}  // namespace

Rgb Scene::near(Rgb c, float spread) {
  float all = 1 + uniform(-spread, spread);
  return {c.r * (all + uniform(-spread, spread) * 0.5f),
          c.g * (all + uniform(-spread, spread) * 0.5f),
          c.b * (all + uniform(-spread, spread) * 0.5f)};
}
Rgb Scene::one_of(std::initializer_list<Rgb> colors, float spread) {
  return near(colors.begin()[below(int(colors.size()))], spread);
}

Light random_light(Scene& s) {
  // Days are likelier than nights: the first three moods count twice.
  int pick = s.below(int(std::size(moods)) + 3);
  const Mood& mood = moods[pick < int(std::size(moods)) ? pick : pick - int(std::size(moods))];
  Light light;
  light.night = brightness(mood.zenith) < 0.06f;
  float strength = s.uniform(0.8f, 1.15f);
  light.zenith = s.near(mood.zenith, 0.2f);
  light.horizon = s.near(mood.horizon, 0.12f);
  light.sun = s.near(mood.sun, 0.1f) * strength;
  light.ambient = s.near(mood.ambient, 0.12f) * strength;
  light.haze = mix(light.horizon, light.zenith, s.uniform(0, 0.4f));
  light.side = s.chance(0.5f) ? s.uniform(0.3f, 1) : s.uniform(-1, -0.3f);
  light.height = clamp01(mood.height + s.uniform(-0.2f, 0.3f));
  light.clouds = clamp01(mood.clouds + s.uniform(-0.4f, 0.4f));
  light.sun_seen = s.chance(0.35f);
  light.fog = s.chance(0.2f) ? s.uniform(0.6f, 1.5f) : s.uniform(0.1f, 0.5f);
  float weather = s.uniform(0, 1);
  light.rain = weather < 0.08f;
  light.snow = weather > 0.92f;
  if (light.rain || light.snow) light.clouds = s.uniform(0.7f, 1);
  return light;
}

void draw_sky(Scene& s, float bottom) {
  const Light& l = s.light;
  const Noise& n = noise();
  float ox = s.uniform(0, 1), oy = s.uniform(0, 1), scale = s.uniform(0.1f, 0.3f);
  float flat = s.uniform(0.5f, 2), edge = 0.62f - 0.35f * l.clouds, soft = s.uniform(0.05f, 0.3f);
  Rgb bright = mix(l.horizon, l.sun + l.ambient, 0.6f), dark = mix(l.zenith, l.haze, 0.5f) * 0.75f;
  Canvas& c = s.canvas;
  bool clouded = s.chance(0.75f) && l.clouds > 0.1f;
  int rows = c.first(bottom);
  for (int y = 0; y < rows; ++y) {
    float v = c.centre(y) / std::max(bottom, 0.05f);
    Rgb clear = mix(l.zenith, l.horizon, v * v * 0.6f + v * 0.4f);
    // Clouds lie on a ceiling: smaller and flatter towards the horizon.
    float depth = scale / (1.15f - v);
    for (int x = 0; x < c.side(); ++x) {
      c.at(x, y) = clear;
      if (!clouded) continue;
      float density = n((c.centre(x) - 0.5f) * depth + ox, depth * flat + oy);
      float cover = smooth(edge, edge + soft, density) * (1 - 0.5f * v);
      c.at(x, y) = mix(clear, mix(bright, dark, smooth(edge, 1, density)), cover);
    }
  }
  c.fill(0, bottom, 1, 1, [&](float, float) { return l.haze; });
  if (l.night && l.clouds < 0.5f) draw_stars(s, bottom);
  if (l.sun_seen) draw_sun(s, bottom);
}

}  // namespace tweed::scenes
