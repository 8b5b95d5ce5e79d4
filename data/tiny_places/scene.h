// A scene being drawn, and the parts that several kinds of scene are made of.
#pragma once
#include <functional>

#include "data/tiny_places/canvas.h"
#include "data/tiny_places/noise.h"
#include "kernels/philox.h"

namespace tweed::scenes {

/// Time of day and weather.
struct Light {
  Rgb zenith, horizon;    ///< of the sky
  Rgb sun, ambient;       ///< what falls onto surfaces
  Rgb haze;               ///< what far things fade to
  float side = 1;         ///< where the sun stands: -1 left, 1 right
  float height = 0.5f;    ///< 0: on the horizon, 1: overhead
  float fog = 0.3f;       ///< haze within a unit of depth
  float clouds = 0.5f;    ///< cover, 0...1
  bool sun_seen = false;  ///< whether it stands in front of the camera
  bool night = false;
  bool rain = false, snow = false;
};

/// Everything that drawing functions share.
struct Scene {
  Scene(int side, Random random_numbers) : canvas(side), random(random_numbers) {}

  Canvas canvas;
  Random random;
  Light light;
  float horizon = 0.5f;  ///< its height in the picture

  float uniform(float lo, float hi) { return random.uniform(lo, hi); }
  int below(int n) { return int(random.below(uint32_t(n))); }
  bool chance(float p) { return random.uniform() < p; }
  /// A colour near `c`: each channel up to `spread` of itself away.
  Rgb near(Rgb c, float spread = 0.15f);
  /// One of several colours, varied.
  Rgb one_of(std::initializer_list<Rgb> colors, float spread = 0.15f);

  /// A surface under the light; `facing` is 1 towards the sun and 0 away from it.
  Rgb lit(Rgb surface, float facing) const {
    return surface * (light.ambient + light.sun * facing);
  }
  /// What is left of a colour at a depth; 1 is about a mile.
  Rgb hazed(Rgb color, float depth) const {
    return mix(light.haze, color, std::exp(-light.fog * depth));
  }
};

// ---- sky.cpp
Light random_light(Scene& scene);
/// Gradient, clouds, sun or moon, stars, from the top down to `bottom`.
void draw_sky(Scene& scene, float bottom);

// ---- ground.cpp
/// The ground as seen from above it: shade(x, z) -> Rgb for a place x to the right and z away,
/// where z is 1 at the lower edge of a picture whose horizon is in its middle.
template <class Shade>
void draw_plane(Scene& s, float top, Shade&& shade) {
  float start = std::max(top, s.horizon + 1e-3f);
  Canvas& c = s.canvas;
  for (int y = c.first(start); y < c.side(); ++y) {
    float z = 0.5f / (c.centre(y) - s.horizon);
    for (int x = 0; x < c.side(); ++x) c.at(x, y) = shade((c.centre(x) - 0.5f) * z, z);
  }
}
/// A jagged line of `count` points from left to right by midpoint displacement: heights around 0.
Outline fractal_line(Scene& scene, int levels, float roughness);
/// A range of hills or mountains along the horizon.
void draw_range(Scene& scene, float base, float height, float roughness, Rgb surface, float depth);
/// Sea or lake: waves that mirror the sky, glitter below the sun.
void draw_water(Scene& scene, float top, Rgb water, float waves);
/// Water that mirrors what stands above `waterline`.
void draw_mirror(Scene& scene, float waterline, Rgb water, float waves, float strength);

/// Hills given by a height, seen from the height `eye`, which is drawn from near to far.
struct Terrain {
  float eye = 1, near = 1, far = 30;
  std::function<float(float x, float z)> height;
  /// Colour of a place in sunlight; slope_x and slope_z are the height's derivatives.
  std::function<Rgb(float x, float z, float height, float slope_x, float slope_z)> shade;
};
void draw_terrain(Scene& scene, const Terrain& terrain);
/// Where a place of the terrain is in the picture.
Vec project(const Scene& scene, const Terrain& terrain, float x, float z, float above = 0);
/// How much the sun lights a slope.
float facing(const Light& light, float slope_x, float slope_z);

// ---- things.cpp
void draw_conifer(Scene& scene, Vec foot, float height, Rgb leaves, float depth);
void draw_tree(Scene& scene, Vec foot, float height, Rgb leaves, float depth);
void draw_palm(Scene& scene, Vec foot, float height, float depth);
void draw_person(Scene& scene, Vec foot, float height, float depth);
void draw_boat(Scene& scene, Vec waterline, float length, float depth);
void draw_house(Scene& scene, Vec foot, float width, float depth);
/// Things close to the camera that hide a part of the view: twigs, a railing, a post.
void draw_foreground(Scene& scene);

// ---- one file each
void draw_bridge(Scene& scene);
void draw_coast(Scene& scene);
void draw_corn_field(Scene& scene);
void draw_corridor(Scene& scene);
void draw_desert(Scene& scene);
void draw_iceberg(Scene& scene);
void draw_mountain(Scene& scene);
void draw_rainforest(Scene& scene);
void draw_ski_slope(Scene& scene);
void draw_skyscraper(Scene& scene);

}  // namespace tweed::scenes
