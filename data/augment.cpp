#include "data/augment.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "data/draft.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

constexpr double pi = 3.14159265358979323846;

// The part of a stored image that is cut out, in pixels of a frame of `side` around its middle.
struct Cut {
  double top, left, height, width;
};

// Ten tries at a part of the area that fits, as in torchvision; else all of it.
Cut choose_area(double side, double least, Random& random) {
  for (int i = 0; i < 10; ++i) {
    const double area = random.uniform(float(least), 1) * side * side;
    const double aspect = random.uniform(0.8f, 1.2f);
    const double width = std::sqrt(area * aspect), height = std::sqrt(area / aspect);
    if (width > side || height > side) continue;
    const double top = random.uniform() * (side - height);
    return {top, random.uniform() * (side - width), height, width};
  }
  return {0, 0, side, side};
}

// A square of the result's size, or what there is.
Cut choose_square(double side, int size, const Augmentation& a, Random& random) {
  const double cut = std::min(side, double(size)), room = side - cut;
  if (!a.crop) return {room / 2, room / 2, cut, cut};
  const double top = random.uniform() * (room + 2 * a.pad) - a.pad;
  return {top, random.uniform() * (room + 2 * a.pad) - a.pad, cut, cut};
}

// The crop of whole pixels, which is all that most networks are trained with.
Cut choose_crop(int side, int size, const Augmentation& a, Random& random) {
  int top = (side - size) / 2, left = top;
  if (a.crop) {
    const auto places = uint32_t(side + 2 * a.pad - size + 1);
    top = int(random.below(places)) - a.pad;
    left = int(random.below(places)) - a.pad;
  }
  return {double(top), double(left), double(size), double(size)};
}

// From the cut to the stored image: the frame is turned about the image's middle.
Affine from_frame(double side, double frame, double angle) {
  const double middle = side / 2, edge = (side - frame) / 2;
  const Affine shift = Affine::shift(edge, edge);
  return angle == 0 ? shift : Affine::turn(angle).about(middle, middle).after(shift);
}

// What a square keeps when it is turned and cut to the largest upright square inside.
double inscribed(double side, double angle) {
  return side / (std::abs(std::cos(angle)) + std::abs(std::sin(angle)));
}

void choose_place(Draft& draft, const Augmentation& a, Random& random) {
  const int side = draft.side, size = draft.size;
  const bool whole = a.rotate == 0 && a.area == 0;
  Cut cut{};
  if (whole) cut = choose_crop(side, size, a, random);
  const bool mirrored = a.mirror && random.uniform() < 0.5f;
  const double angle =
      a.rotate > 0 ? random.uniform(float(-a.rotate), float(a.rotate)) * pi / 180 : 0;
  const double frame = a.rotate > 0 ? inscribed(side, angle) : side;
  if (!whole)
    cut = a.area > 0 ? choose_area(frame, a.area, random) : choose_square(frame, size, a, random);
  Affine map =
      Affine::shift(cut.left, cut.top).after(Affine::scale(cut.width / size, cut.height / size));
  if (mirrored) map = map.after(Affine{{-1, 0, double(size), 0, 1, 0}});
  draft.map = from_frame(side, frame, angle).after(map);
}

void choose_colours(Draft& draft, const Augmentation& a, Random& random) {
  auto factor = [&](double range) { return random.uniform(float(1 - range), float(1 + range)); };
  if (a.gain > 0) {
    const double red = factor(a.gain), green = factor(a.gain);
    draft.then(ColourMap::gain(red, green, factor(a.gain)));
  }
  if (a.jitter > 0) {
    const double brightness = factor(a.jitter), contrast = factor(a.jitter);
    const double saturation = factor(a.jitter);
    const double turn = random.uniform(float(-a.jitter), float(a.jitter)) / 4;
    draft.then(ColourMap::gain(brightness, brightness, brightness));
    draft.then(ColourMap::contrast(contrast, draft.mean_grey()));
    draft.then(ColourMap::saturation(saturation));
    draft.then(ColourMap::hue(turn * 2 * pi));
  }
  if (a.grey > 0 && random.uniform() < float(a.grey)) draft.then(ColourMap::saturation(0));
}

// Zhong et al. 2017, arXiv:1708.04896, with torchvision's limits: 2 to 33 % of the area, of an
// aspect ratio of 0.3 to 3.3.
void choose_erased(Draft& draft, const Augmentation& a, Random& random) {
  if (a.erase <= 0 || random.uniform() >= float(a.erase)) return;
  const double size = draft.size, widest = std::log(3.3), tallest = std::log(0.3);
  for (int i = 0; i < 10; ++i) {
    const double area = random.uniform(0.02f, 0.33f) * size * size;
    const double aspect = std::exp(random.uniform(float(tallest), float(widest)));
    const auto height = int32_t(std::lround(std::sqrt(area * aspect)));
    const auto width = int32_t(std::lround(std::sqrt(area / aspect)));
    if (height >= draft.size || width >= draft.size) continue;
    const auto top = int32_t(random.below(uint32_t(draft.size - height + 1)));
    const auto left = int32_t(random.below(uint32_t(draft.size - width + 1)));
    const int32_t erased[] = {top, left, top + height, left + width};
    std::copy(erased, erased + 4, draft.view.erased);
    return;
  }
}

// Beta(alpha, alpha), by Joehnk's method; uniform for 1.
double beta(double alpha, Random& random) {
  for (int i = 0; i < 1000; ++i) {
    const double x = std::pow(random.uniform_double(), 1 / alpha);
    const double y = std::pow(random.uniform_double(), 1 / alpha);
    if (x + y > 0 && x + y <= 1) return x / (x + y);
  }
  return 0.5;
}

void set(int32_t (&rectangle)[4], int top, int left, int bottom, int right) {
  rectangle[0] = top, rectangle[1] = left, rectangle[2] = bottom, rectangle[3] = right;
}

}  // namespace

View choose_view(const uint8_t* pixels, int side, int size, const Augmentation& augmentation,
                 Random random, Curve& curve) {
  if (side < size)
    throw ShapeError("[choose_view] " + std::to_string(size) + " x " + std::to_string(size) +
                     " from an image of " + std::to_string(side) + " x " + std::to_string(side));
  Draft draft(pixels, side, size, curve);
  choose_place(draft, augmentation, random);
  choose_colours(draft, augmentation, random);
  for (int i = 0; i < augmentation.randaugment; ++i)
    rand_augment(draft, augmentation.magnitude, random);
  choose_erased(draft, augmentation, random);
  return draft.finish(augmentation.bicubic);
}

Partner choose_partner(int64_t samples, int size, const Augmentation& augmentation, uint64_t seed,
                       int64_t epoch, int64_t sample) {
  Random random(seed, Purpose::mix, uint32_t(epoch), uint32_t(sample));
  Partner partner{int64_t(random.below(uint32_t(samples))), {}};
  View& mix = partner.mix;
  const bool cut = augmentation.cutmix > 0 && (augmentation.mixup <= 0 || random.uniform() < 0.5f);
  if (!cut) {
    const double share = beta(augmentation.mixup, random);
    mix.share = mix.label_share = float(std::min(share, 1 - share));
    set(mix.mixed, 0, 0, size, size);
    return partner;
  }
  const double half = size * std::sqrt(beta(augmentation.cutmix, random)) / 2;
  const double y = random.uniform() * float(size), x = random.uniform() * float(size);
  auto place = [size](double v) { return std::clamp(int(std::lround(v)), 0, size); };
  set(mix.mixed, place(y - half), place(x - half), place(y + half), place(x + half));
  mix.share = 1;
  mix.label_share = float(mix.mixed[2] - mix.mixed[0]) * float(mix.mixed[3] - mix.mixed[1]) /
                    float(int64_t(size) * size);
  return partner;
}

View middle_view(int side, int size, bool mirrored) {
  const auto edge = float(std::nearbyint((side - size) / 2.0));
  View view;
  view.map[2] = view.map[5] = edge;
  if (mirrored) view.map[0] = -1, view.map[2] = edge + float(size);
  return view;
}

NormalizationTable table_of(const Normalization& by) {
  NormalizationTable table;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t v = 0; v < 256; ++v) table[c][v] = (float(v) / 255.f - by.mean[c]) / by.std[c];
  return table;
}

PixelScale scale_of(const Normalization& by) {
  PixelScale scale{};
  for (std::size_t c = 0; c < 3; ++c) {
    scale.factor[c] = 1.f / (255.f * by.std[c]);
    scale.offset[c] = -by.mean[c] / by.std[c];
  }
  return scale;
}

void show_view(const Image& image, const View& view, const Curve& curve, int size,
               const Normalization& by, float* to) {
  View alone = view;
  alone.image = 0;
  int32_t plan[view_words], label = 0;
  std::memcpy(plan, &alone, sizeof alone);
  const NormalizationTable table = table_of(by);
  Cpu here{.threads = 1};
  augment(here, {image.height, size, 1, scale_of(by)},
          Span<const uint8_t>(image.pixels.data(), int64_t(image.pixels.size())),
          Span<const int32_t>(plan, view_words), Span<const uint8_t>(curve[0].data(), 768),
          Span<const float>(table[0].data(), 768), Span<float>(to, int64_t(size) * size * 3),
          Span<int32_t>(&label, 1), {}, {});
}

void training_view(const Image& image, int size, const Augmentation& augmentation,
                   const Normalization& by, Random random, float* to) {
  Curve curve;
  const View view =
      choose_view(image.pixels.data(), image.height, size, augmentation, random, curve);
  show_view(image, view, curve, size, by, to);
}

Image validation_crop(const Image& image, int size) { return center_crop(image, size); }

void normalize(const Image& image, const Normalization& by, float* to) {
  const NormalizationTable table = table_of(by);
  for (std::size_t i = 0; i < image.pixels.size(); i += 3)
    for (std::size_t c = 0; c < 3; ++c) to[i + c] = table[c][image.pixels[i + c]];
}

}  // namespace tweed
