#include "data/tiny_places/camera.h"

namespace tweed::scenes {

void draw_weather(Scene& s) {
  const Light& l = s.light;
  if (l.rain) {
    float slant = s.uniform(-0.05f, 0.05f), length = s.uniform(0.03f, 0.1f);
    Rgb color = mix(l.haze, {1, 1, 1}, 0.3f);
    for (int i = s.below(90) + 40; i > 0; --i) {
      Vec at{s.uniform(0, 1), s.uniform(-0.05f, 1)};
      s.canvas.line(at, {at.x + slant, at.y + length}, 0.004f, color, s.uniform(0.2f, 0.6f));
    }
  }
  if (l.snow) {
    Rgb color = mix(l.haze, {1, 1, 1}, 0.7f);
    for (int i = s.below(120) + 40; i > 0; --i) {
      float size = s.uniform(0.003f, 0.011f);
      s.canvas.ellipse({s.uniform(0, 1), s.uniform(0, 1)}, size, size, color,
                       s.uniform(0.4f, 0.95f));
    }
  }
}

namespace {

// What automatic exposure multiplies by: most of the way to a middle brightness.
float metering(const Canvas& c) {
  float sum = 0;
  int count = 0;
  for (int y = 2; y < c.side(); y += 4)
    for (int x = 2; x < c.side(); x += 4, ++count) sum += std::min(1.f, brightness(c.at(x, y)));
  return std::clamp(std::pow(0.45f * float(count) / std::max(sum, 1e-3f), 0.7f), 0.7f, 3.f);
}

// Exposure, white balance, saturation and contrast.
struct Grade {
  Rgb gain;
  float saturation, contrast, pivot, lift;

  explicit Grade(Scene& s) {
    float exposure = s.uniform(0.8f, 1.25f) * metering(s.canvas), warm = s.uniform(-0.14f, 0.14f),
          green = s.uniform(-0.05f, 0.05f);
    if (s.light.night) exposure *= s.uniform(0.5f, 0.9f);
    gain = {exposure * (1 + warm), exposure * (1 + green), exposure * (1 - warm)};
    saturation = s.chance(0.08f) ? 0 : s.uniform(0.45f, 1.35f);
    contrast = s.uniform(0.75f, 1.25f);
    pivot = s.uniform(0.35f, 0.55f);
    lift = s.uniform(-0.04f, 0.06f);
  }
  Rgb operator()(Rgb c) const {
    c = c * gain;
    Rgb grey{brightness(c), brightness(c), brightness(c)};
    c = mix(grey, c, saturation);
    auto curve = [&](float v) {
      v = (v - pivot) * contrast + pivot + lift;
      return v < 0.8f ? v : 0.8f + 0.2f * (1 - std::exp(-(v - 0.8f) * 4));  // highlights roll off
    };
    return {curve(c.r), curve(c.g), curve(c.b)};
  }
};

// From places of the photo (0...1) to places of the canvas.
struct View {
  float cos, sin, across, dx, dy;
  explicit View(Scene& s) {
    float turn = s.uniform(-1, 1), zoom = s.uniform(0.8f, 1);
    turn = turn * std::abs(turn) * 0.13f;
    float scale = zoom / kMargin;
    cos = scale * std::cos(turn);
    sin = scale * std::sin(turn);
    across = s.chance(0.5f) ? -1.f : 1.f;
    float room = 0.5f - 0.5f * (cos + std::abs(sin));
    dx = s.uniform(-room, room);
    dy = s.uniform(-room, room) * 0.7f;
  }
  Vec operator()(float x, float y) const {
    float u = (x - 0.5f) * across, v = y - 0.5f;
    return {0.5f + dx + u * cos - v * sin, 0.5f + dy + u * sin + v * cos};
  }
};

// Noise of a pixel, nearly normal with deviation 1: sums of four bytes.
Rgb sensor_noise(uint32_t key, int x, int y) {
  auto sum = [&](uint32_t channel) {
    uint32_t v = hash(uint32_t(x) << 2 | channel, uint32_t(y), key);
    float total = float(int((v & 255) + (v >> 8 & 255) + (v >> 16 & 255) + (v >> 24)));
    return (total - 510) * (1 / 147.8f);
  };
  return {sum(0), sum(1), sum(2)};
}

}  // namespace

Image take_photo(Scene& s, int size) {
  View view(s);
  Grade grade(s);
  float vignette = s.uniform(0, 0.5f), noise = s.uniform(0, 1);
  noise = 0.004f + 0.05f * noise * noise * noise * noise;
  // Out of focus, a pixel is the mean of more places, over a wider area.
  float pixel = 1 / float(size),
        blur = s.chance(0.15f) ? std::max(pixel, s.uniform(1, 2.6f) / 72) : pixel;
  int taps = blur > 1.2f * pixel ? 4 : 2;
  float step = blur / float(taps), start = (1 - float(taps)) / 2 * step;
  uint32_t key = s.random.bits();

  Image image{size, size, {}};
  image.pixels.resize(std::size_t(size) * std::size_t(size) * 3);
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) {
      float u = (float(x) + 0.5f) * pixel, v = (float(y) + 0.5f) * pixel;
      Rgb sum{};
      for (int i = 0; i < taps; ++i)
        for (int j = 0; j < taps; ++j) {
          Vec at = view(u + start + float(i) * step, v + start + float(j) * step);
          sum = sum + s.canvas.near(at.x, at.y);
        }
      float corner = (u - 0.5f) * (u - 0.5f) + (v - 0.5f) * (v - 0.5f);
      float share = (1 - vignette * corner) / float(taps * taps);
      Rgb c = grade(sum * share) + sensor_noise(key, x, y) * noise;
      uint8_t* to = image.at(y, x);
      to[0] = uint8_t(255 * clamp01(c.r) + 0.5f);
      to[1] = uint8_t(255 * clamp01(c.g) + 0.5f);
      to[2] = uint8_t(255 * clamp01(c.b) + 0.5f);
    }
  return image;
}

}  // namespace tweed::scenes
