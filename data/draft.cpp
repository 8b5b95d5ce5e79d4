#include "data/draft.h"

#include <algorithm>
#include <cmath>

namespace tweed {
namespace {

constexpr double pi = 3.14159265358979323846;

// Whether places map to the middles of pixels.
bool is_whole(const Affine& map) {
  const auto& a = map.a;
  return std::abs(a[0]) == 1 && a[1] == 0 && a[3] == 0 && a[4] == 1 && a[2] == std::floor(a[2]) &&
         a[5] == std::floor(a[5]);
}

// Stored pixels from one place of the result to the next: a filter that reaches less far would skip
// some. Rounding must not make a turn's 1 a little more, which takes several times as long.
float reach_of(double x, double y) {
  const double step = std::hypot(x, y);
  return step < 1.001 ? 1.f : float(step);
}

}  // namespace

void Draft::then(const ColourMap& map) { colours_ = colours_ ? map.after(*colours_) : map; }

void Draft::then(const Curve& curve) {
  curve_ = view.has_curve ? chained(curve_, curve) : curve;
  view.has_curve = 1;
}

double Draft::mean_grey() const {
  const auto mean = mean_of(pixels_, int64_t(side) * side);
  return grey_of(colours_ ? colours_->of(mean) : mean);
}

Histogram Draft::histogram() const {
  const Histogram stored = histogram_of(pixels_, int64_t(side) * side);
  return view.has_curve ? histogram_after(stored, curve_) : stored;
}

View Draft::finish(bool bicubic) {
  std::copy(map.a.begin(), map.a.end(), view.map);
  if (!is_whole(map)) {
    view.filter = bicubic ? PixelFilter::bicubic : PixelFilter::bilinear;
    view.reach[0] = reach_of(map.a[0], map.a[1]);
    view.reach[1] = reach_of(map.a[3], map.a[4]);
  }
  if (colours_) {
    view.has_colour = 1;
    for (std::size_t c = 0; c < 3; ++c)
      std::copy(colours_->m[c].begin(), colours_->m[c].end(), view.colour + 4 * c);
  }
  return view;
}

namespace {

// @param m  0 to 1   @param sign  1 or -1, with equal probability
struct Strength {
  double m, sign;
  double factor() const { return 1 + 0.9 * m * sign; }
};
using Operation = void (*)(Draft&, Strength);
constexpr Operation operations[] = {
    [](Draft&, Strength) {},                                                     // identity
    [](Draft& d, Strength s) { d.move(Affine::shear(0.3 * s.m * s.sign, 0)); },  // shear x
    [](Draft& d, Strength s) { d.move(Affine::shear(0, 0.3 * s.m * s.sign)); },  // shear y
    [](Draft& d, Strength s) { d.move(Affine::shift(150. / 331 * d.size * s.m * s.sign, 0)); },
    [](Draft& d, Strength s) { d.move(Affine::shift(0, 150. / 331 * d.size * s.m * s.sign)); },
    [](Draft& d, Strength s) { d.move(Affine::turn(pi / 6 * s.m * s.sign)); },  // up to 30 degrees
    [](Draft& d, Strength s) {                                                  // brightness
      d.then(ColourMap::gain(s.factor(), s.factor(), s.factor()));
    },
    [](Draft& d, Strength s) { d.then(ColourMap::saturation(s.factor())); },
    [](Draft& d, Strength s) { d.then(ColourMap::contrast(s.factor(), d.mean_grey())); },
    [](Draft& d, Strength s) { d.sharpen(float(s.factor())); },
    [](Draft& d, Strength s) { d.then(posterize_curve(8 - int(std::lround(4 * s.m)))); },
    [](Draft& d, Strength s) { d.then(solarize_curve(255 * (1 - s.m))); },
    [](Draft& d, Strength) { d.then(autocontrast_curve(d.histogram())); },
    [](Draft& d, Strength) { d.then(equalize_curve(d.histogram())); },
};

}  // namespace

void rand_augment(Draft& draft, double magnitude, Random& random) {
  const Operation operation = operations[random.below(std::size(operations))];
  const double sign = random.uniform() < 0.5f ? -1 : 1;
  operation(draft, {magnitude / 30, sign});
}

}  // namespace tweed
