// Land and water.
#include "data/tiny_places/scene.h"

namespace tweed::scenes {

Outline fractal_line(Scene& s, int levels, float roughness) {
  std::vector<float> heights{s.uniform(-1, 1), s.uniform(-1, 1)};
  float amplitude = 1;
  for (int level = 0; level < levels; ++level, amplitude *= roughness) {
    std::vector<float> finer;
    for (std::size_t i = 0; i + 1 < heights.size(); ++i) {
      finer.push_back(heights[i]);
      finer.push_back((heights[i] + heights[i + 1]) / 2 + s.uniform(-amplitude, amplitude));
    }
    finer.push_back(heights.back());
    heights = finer;
  }
  Outline line;
  for (std::size_t i = 0; i < heights.size(); ++i)
    line.push_back({float(i) / float(heights.size() - 1), heights[i]});
  return line;
}

void draw_range(Scene& s, float base, float height, float roughness, Rgb surface, float depth) {
  Outline line = fractal_line(s, 5, roughness);
  for (Vec& p : line) p.y = base - height * (0.55f + 0.3f * p.y);
  line.push_back({1.02f, base + 0.02f});
  line.push_back({-0.02f, base + 0.02f});
  float ox = s.uniform(0, 1);
  const Noise& n = noise();
  s.canvas.polygon(line, [&](float x, float y) {
    float slope = n(x * 0.7f + ox, y) - n(x * 0.7f + ox + 0.01f * s.light.side, y + 0.005f);
    return s.hazed(s.lit(surface, clamp01(0.45f + 5 * slope)), depth);
  });
}

void draw_water(Scene& s, float top, Rgb water, float waves) {
  const Light& l = s.light;
  const Noise& n = noise();
  float ox = s.uniform(0, 1), oz = s.uniform(0, 1), turn = s.uniform(-0.3f, 0.3f);
  float sun_x = l.side * s.uniform(0.1f, 0.4f),
        glitter = l.sun_seen ? s.uniform(0.5f, 1.6f) : 0.12f;
  Rgb body = s.lit(water, 0.5f), shine = l.sun + l.ambient * 0.3f;
  draw_plane(s, top, [&](float x, float z) {
    float a = n(x * 0.11f + turn * z * 0.2f + ox, z * 0.32f + oz);
    float b = n(x * 0.35f - turn * z * 0.3f + oz, z * 0.9f + ox);
    float wave = (a - 0.5f) * 1.2f + (b - 0.5f) * 0.9f;
    float far = 1 - 1 / (1 + 0.25f * z);  // 0 below us, 1 at the horizon: water mirrors far sky
    Rgb sky = mix(l.zenith, l.horizon, far);
    Rgb color = mix(body, sky, clamp01(0.15f + 0.5f * far + waves * wave));
    float crest = smooth(0.12f, 0.5f, wave * waves);
    float beam = std::exp(-8 * (x / z - sun_x) * (x / z - sun_x));
    color = color + shine * (crest * (0.35f + glitter * beam));
    return s.hazed(color * (1 + 0.35f * waves * wave), 0.12f * z);
  });
}

void draw_mirror(Scene& s, float waterline, Rgb water, float waves, float strength) {
  const Noise& n = noise();
  Canvas& c = s.canvas;
  float ox = s.uniform(0, 1), oy = s.uniform(0, 1);
  Rgb body = s.lit(water, 0.4f);
  int start = c.first(waterline);
  for (int y = start; y < c.side(); ++y) {
    float below = c.centre(y) - waterline, z = 0.5f / (below + 0.03f);
    for (int x = 0; x < c.side(); ++x) {
      float wave = n((c.centre(x) - 0.5f) * z * 0.12f + ox, z * 0.6f + oy) - 0.5f;
      float up = waterline - below - wave * waves * (0.1f + below) - 0.5f / float(c.side());
      Rgb mirrored = c.near(c.centre(x) + wave * waves * 0.03f, std::min(up, waterline - 0.004f));
      float share = clamp01(strength + wave * waves * 1.2f);
      c.at(x, y) = mix(body, mirrored, share) * (1 + 0.6f * wave * waves);
    }
  }
}

float facing(const Light& light, float slope_x, float slope_z) {
  float up = 0.35f + 0.65f * light.height, across = light.side * (1.2f - 0.6f * light.height);
  float depth = light.sun_seen ? 0.3f : -0.4f;
  float n = 1 / std::sqrt(1 + slope_x * slope_x + slope_z * slope_z);
  float l = 1 / std::sqrt(up * up + across * across + depth * depth);
  return clamp01((up - slope_x * across - slope_z * depth) * n * l);
}

Vec project(const Scene& s, const Terrain& t, float x, float z, float above) {
  return {0.5f + x / z, s.horizon + (t.eye - t.height(x, z) - above) / z};
}

// Column by column from near to far: what is higher in the picture than all before it is seen.
void draw_terrain(Scene& s, const Terrain& t) {
  constexpr int steps = 88;
  Canvas& c = s.canvas;
  float growth = std::pow(t.far / t.near, 1.f / steps);
  std::vector<float> before(steps + 1), here(steps + 1);  // heights of this column and the last
  for (int i = -1; i < c.side(); ++i) {
    float direction = c.centre(i) - 0.5f, z = t.near, width = 1 / float(c.side());
    int covered = c.side();
    Rgb below{};
    for (int k = 0; k <= steps; ++k, z *= growth) {
      float x = direction * z, h = here[std::size_t(k)] = t.height(x, z);
      if (i < 0) continue;
      int row = std::max(0, c.first(s.horizon + (t.eye - h) / z));
      if (row >= covered) continue;
      float slope_x = (h - before[std::size_t(k)]) / (width * z);
      float slope_z = k ? (h - here[std::size_t(k) - 1]) / (z - z / growth) : 0;
      Rgb color = s.hazed(t.shade(x, z, h, slope_x, slope_z), 0.06f * z);
      if (covered == c.side()) below = color;
      for (int y = row; y < covered; ++y)
        c.at(i, y) = mix(color, below, float(y - row) / float(covered - row));
      covered = row;
      below = color;
    }
    std::swap(before, here);
  }
}

}  // namespace tweed::scenes
