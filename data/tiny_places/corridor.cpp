// Corridors in one-point perspective: doors or windows along the walls, lamps, tiles or carpet.
#include "data/tiny_places/scene.h"

namespace tweed::scenes {
namespace {

struct Walls {
  Vec eye;                            // where all lines meet
  float left, right, floor, ceiling;  // distances from the eye's axis, at depth 1
  float end;                          // depth of the end wall
};

struct Style {
  Rgb wall, lower, floor, ceiling, door, lamp;
  float daylight, bay, door_share, wainscot, tile, gloss, tone;
  bool windows_left, windows_right, checkered, carpet, vaulted, strip_lamps, lockers;
};

Style random_style(Scene& s) {
  Style t;
  t.wall = s.one_of({{.75f, .72f, .66f},
                     {.6f, .66f, .7f},
                     {.62f, .68f, .56f},
                     {.7f, .5f, .36f},
                     {.5f, .48f, .46f},
                     {.72f, .62f, .4f}});
  t.lower =
      s.chance(0.5f) ? t.wall : s.one_of({{.35f, .22f, .14f}, {.4f, .45f, .5f}, {.3f, .4f, .3f}});
  t.floor = s.one_of({{.55f, .5f, .45f},
                      {.4f, .28f, .18f},
                      {.35f, .38f, .42f},
                      {.6f, .2f, .16f},
                      {.7f, .7f, .68f},
                      {.25f, .35f, .5f}});
  t.ceiling = s.one_of({{.82f, .82f, .8f}, {.6f, .58f, .54f}, {.4f, .34f, .28f}});
  t.door = s.one_of({{.42f, .26f, .15f},
                     {.3f, .36f, .45f},
                     {.7f, .7f, .66f},
                     {.5f, .16f, .12f},
                     {.2f, .3f, .22f}});
  t.lamp = s.one_of({{1, .95f, .82f}, {.9f, .98f, 1}, {1, .82f, .55f}}, 0.05f);
  t.daylight = s.uniform(0.5f, 1.2f);
  t.bay = s.uniform(0.7f, 1.6f);
  t.door_share = s.uniform(0.3f, 0.6f);
  t.wainscot = s.uniform(0.25f, 0.45f);
  t.tile = s.uniform(1.5f, 5);
  t.gloss = s.chance(0.6f) ? s.uniform(0.1f, 0.5f) : 0;
  t.tone = s.uniform(0.4f, 1.05f);
  t.windows_left = s.chance(0.25f);
  t.windows_right = s.chance(0.2f);
  t.checkered = s.chance(0.35f);
  t.carpet = s.chance(0.3f);
  t.vaulted = s.chance(0.2f);
  t.strip_lamps = s.chance(0.5f);
  t.lockers = s.chance(0.15f);
  return t;
}

float bay_of(float z, const Style& t) { return z / t.bay - std::floor(z / t.bay); }

// Light of the lamps at a depth: in pools, or even.
float lamp_light(float z, const Style& t) {
  float away = std::abs(bay_of(z, t) - 0.5f);
  return t.tone * (0.75f + (t.strip_lamps ? 0.25f : 0.55f * (0.5f - away) * 2) - 0.02f * z);
}

// `height` runs from 0 at the floor to 1 at the ceiling.
Rgb wall_color(const Scene& s, const Style& t, float z, float height, bool windows) {
  float place = bay_of(z, t), light = lamp_light(z, t);
  Rgb color = height < t.wainscot ? t.lower : t.wall;
  if (height < 0.035f) color = t.door * 0.6f;
  float from = 0.5f - t.door_share / 2, to = 0.5f + t.door_share / 2;
  if (windows && place > from && place < to && height > 0.35f && height < 0.88f) {
    bool bar = std::abs(place - 0.5f) < 0.02f || std::abs(height - 0.65f) < 0.012f;
    Rgb view = mix(s.light.horizon, s.light.zenith, height);
    return bar ? t.door * light : view * (0.8f + 0.4f * t.daylight);
  }
  if (!windows && t.lockers && height < 0.7f) {
    float narrow = place * 5 - std::floor(place * 5);
    color = t.door * (narrow < 0.08f                                     ? 0.45f
                      : height > 0.55f && narrow > 0.3f && narrow < 0.7f ? 0.75f
                                                                         : 1.f);
  } else if (!windows && place > from && place < to && height < 0.72f) {
    bool frame = place < from + 0.04f || place > to - 0.04f || height > 0.69f;
    bool knob = std::abs(place - to + 0.1f) < 0.02f && std::abs(height - 0.33f) < 0.015f;
    bool panel = place > from + 0.1f && place < to - 0.1f &&
                 (height < 0.3f ? height > 0.08f : height > 0.4f && height < 0.64f);
    color = frame ? t.door * 1.4f : knob ? Rgb{.8f, .75f, .5f} : t.door * (panel ? 0.85f : 1.f);
  }
  return color * (light * (0.8f + 0.25f * height));
}

Rgb ceiling_color(const Style& t, float across, float z) {
  float place = bay_of(z, t);
  bool lamp = t.strip_lamps ? std::abs(across) < 0.1f && bay_of(z * 2, t) > 0.12f
                            : std::abs(across) < 0.2f && std::abs(place - 0.5f) < 0.16f;
  if (lamp) return t.lamp * 1.15f;
  bool beam = t.vaulted && place < 0.12f;
  float line = across * t.tile * 0.5f;
  bool joint = !t.vaulted && (line - std::floor(line) < 0.05f);
  return t.ceiling * (lamp_light(z, t) * (beam ? 0.6f : joint ? 0.8f : 0.92f));
}

Rgb floor_color(const Scene& s, const Style& t, float across, float z, bool left, bool right) {
  Rgb color = t.floor;
  float u = across * t.tile * 0.7f, v = z * t.tile * 0.35f;
  if (t.carpet && std::abs(across) < 0.45f) {
    color = t.door * (std::abs(across) > 0.39f ? 1.5f : 1.f);
  } else if (t.checkered) {
    color = color * ((int(std::floor(u)) + int(std::floor(v))) & 1 ? 1.15f : 0.65f);
  } else if (u - std::floor(u) < 0.06f || v - std::floor(v) < 0.05f) {
    color = color * 0.8f;
  }
  float light = lamp_light(z, t);
  float pool = bay_of(z, t);
  // Sunlight through the windows lies on the floor.
  if ((left || right) && pool > 0.3f && pool < 0.3f + t.door_share &&
      (left ? across < 0.3f : across > -0.3f))
    return color * (light + 0.5f * t.daylight * brightness(s.light.sun));
  return color * light;
}

// What is at the far end: a window, a door, or a bare wall.
struct End {
  bool window, door;
  Rgb light;
  float dim;
};

Rgb end_color(const Style& t, const End& end, float across, float height) {
  bool opening = std::abs(across) < 0.5f && height < 0.75f && (!end.window || height > 0.25f);
  float bar = std::abs(across) < 0.03f ? 0.4f : 1;
  if (opening && end.window) return end.light * bar;
  if (opening && end.door) return t.door * (bar * t.tone * end.dim);
  return t.wall * (t.tone * end.dim);
}

// Follows the line of sight (dx, dy) to depth z, where it ends: on the end wall, a side wall, or
// the ceiling or floor.
class Corridor {
 public:
  Corridor(Scene& scene) : s_(scene), t_(random_style(scene)) {
    float width = s_.uniform(0.22f, 0.55f), side = s_.uniform(-0.4f, 0.4f);
    w_ = {{s_.uniform(0.36f, 0.64f), s_.uniform(0.36f, 0.6f)},
          width * (1 + side),
          width * (1 - side),
          s_.uniform(0.28f, 0.5f),
          s_.uniform(0.24f, 0.55f),
          s_.uniform(3, 11)};
    end_.window = s_.chance(0.4f);
    end_.door = !end_.window && s_.chance(0.7f);
    end_.light = s_.light.horizon * s_.uniform(0.7f, 1.4f);
    end_.dim = s_.uniform(0.4f, 1);
    start_ = s_.uniform(0, 2);
    murk_ = s_.uniform(0, 0.12f);
  }

  Rgb color(float dx, float dy) const {
    float z_wall = wall_distance(dx);
    float z_level =
        dy < 0 ? ceiling_height(dx, z_wall) / std::max(1e-4f, -dy) : w_.floor / std::max(1e-4f, dy);
    float z = std::min({z_wall, z_level, w_.end});
    Rgb seen = surface(dx, z, w_.floor - dy * z, z_wall, dy > 0);
    // Corners are a little darker.
    float corner = std::min(std::abs(z_wall - z_level) / std::min(z_wall, z_level), 0.3f);
    seen = seen * (0.8f + corner * 0.66f);
    bool polished = dy > 0 && z == z_level && t_.gloss > 0;
    return polished ? mix(seen, mirrored(dx, dy, z_wall), t_.gloss) : seen;
  }
  const Walls& walls() const { return w_; }
  const Style& style() const { return t_; }

 private:
  float width(float dx) const { return dx < 0 ? w_.left : w_.right; }
  float wall_distance(float dx) const { return width(dx) / std::max(1e-4f, std::abs(dx)); }
  float ceiling_height(float dx, float z_wall) const {
    if (!t_.vaulted) return w_.ceiling;
    float across = clamp01(std::abs(dx) * std::min(z_wall, 8.f) / width(dx) * 0.8f);
    return w_.ceiling * (1.2f - 0.25f * across * across);
  }
  // The surface at depth z and at a height above the floor.
  Rgb surface(float dx, float z, float above, float z_wall, bool down) const {
    float height = above / (w_.floor + w_.ceiling), across = dx * z / width(dx);
    Rgb seen;
    if (z == w_.end)
      seen = end_color(t_, end_, across, height);
    else if (z == z_wall)
      seen = wall_color(s_, t_, z + start_, height, dx < 0 ? t_.windows_left : t_.windows_right);
    else if (down)
      seen = floor_color(s_, t_, across, z + start_, t_.windows_left, t_.windows_right);
    else
      seen = ceiling_color(t_, across, z + start_);
    return seen * std::exp(-murk_ * z);
  }
  // The line of sight, thrown back up by the floor.
  Rgb mirrored(float dx, float dy, float z_wall) const {
    float z_ceiling = (2 * w_.floor + w_.ceiling) / dy;
    float z = std::min({z_wall, w_.end, z_ceiling});
    return surface(dx, z, dy * z - w_.floor, z_wall, false);
  }

  Scene& s_;
  Style t_;
  Walls w_;
  End end_;
  float start_, murk_;
};

void draw_bench(Scene& s, const Walls& w, const Style& t) {
  float z = s.uniform(1.2f, 3), x = w.eye.x + (s.chance(0.5f) ? -w.left : w.right) / z * 0.85f;
  float foot = w.eye.y + w.floor / z, size = s.uniform(0.1f, 0.2f) / z;
  s.canvas.rectangle(x - size, foot - size, x + size, foot, t.door * (t.tone * 0.7f));
  s.canvas.rectangle(x - size, foot - size * 1.15f, x + size, foot - size * 0.85f,
                     t.door * (t.tone * 1.2f));
}

}  // namespace

void draw_corridor(Scene& s) {
  s.light.rain = s.light.snow = false;
  Corridor corridor(s);
  const Walls& w = corridor.walls();
  s.canvas.fill(0, 0, 1, 1,
                [&](float x, float y) { return corridor.color(x - w.eye.x, y - w.eye.y); });
  if (s.chance(0.25f)) draw_bench(s, w, corridor.style());
  if (s.chance(0.35f)) {
    float z = s.uniform(1.4f, 5), x = w.eye.x + s.uniform(-0.5f, 0.5f) * w.left / z;
    draw_person(s, {x, w.eye.y + w.floor / z}, (w.floor + w.ceiling) * 0.6f / z, 0);
  }
}

}  // namespace tweed::scenes
