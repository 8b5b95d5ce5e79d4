#include "attacks/space.h"

#include <algorithm>
#include <cmath>

namespace tweed {

std::string name_of(Norm norm) {
  return norm == Norm::linf ? "Linf" : norm == Norm::l2 ? "L2" : "L1";
}

AttackSpace pixel_space(double eps, double step, const std::array<float, 3>& mean,
                        const std::array<float, 3>& std, Norm norm) {
  AttackSpace s;
  s.norm = norm;
  s.unit = std;
  s.zero = mean;
  for (std::size_t c = 0; c < 3; ++c) {
    s.lo[c] = (0.f - mean[c]) / std[c];
    s.hi[c] = (1.f - mean[c]) / std[c];
  }
  return with_step(with_eps(s, eps), step);
}
AttackSpace normalized_space(double eps, double step, Norm norm) {
  AttackSpace s;
  s.norm = norm;
  s.lo.fill(-std::numeric_limits<float>::infinity());
  s.hi.fill(std::numeric_limits<float>::infinity());
  return with_step(with_eps(s, eps), step);
}

AttackSpace with_step(AttackSpace space, double step) {
  space.stride = step;
  for (std::size_t c = 0; c < 3; ++c) space.step[c] = float(step / space.unit[c]);
  return space;
}
AttackSpace with_eps(AttackSpace space, double eps) {
  space.radius = eps;
  for (std::size_t c = 0; c < 3; ++c) space.eps[c] = float(eps / space.unit[c]);
  return space;
}
bool keeps_pixels(const AttackSpace& space) { return std::isfinite(space.hi[0]); }

bool leaves_room(const Tensor& x, const AttackSpace& space) {
  const auto values = x.to_vector<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t c = i % 3;
    for (float way : {space.lo[c], space.hi[c]}) {
      const float next = std::nextafter(values[i], way);
      // In double the difference is exact.
      const double away = std::abs(double(next) - double(values[i]));
      if (away > 0 && away <= double(space.eps[c])) return true;
    }
  }
  return false;
}

std::vector<double> change_sizes(const Tensor& images, const Tensor& x, const AttackSpace& space,
                                 Norm norm) {
  const auto a = images.to_vector<float>(), b = x.to_vector<float>();
  const auto n = std::size_t(x.dim(0)), width = n ? a.size() / n : 0;
  std::vector<double> sizes(n, 0.);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(double(a[i]) - double(b[i])) * double(space.unit[i % 3]);
    double& size = sizes[i / width];
    if (norm == Norm::linf)
      size = std::isnan(d) ? d : std::max(size, d);
    else
      size += norm == Norm::l2 ? d * d : d;
  }
  if (norm == Norm::l2)
    for (double& size : sizes) size = std::sqrt(size);
  return sizes;
}

// The largest violation of the bounds of single values, which in double are exact.
static double outside_box(const Tensor& images, const Tensor& x, const AttackSpace& space) {
  auto a = images.to_vector<float>(), b = x.to_vector<float>();
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i])) return std::numeric_limits<double>::infinity();
    std::size_t c = i % 3;
    double away = std::abs(double(a[i]) - double(b[i])) - double(space.eps[c]);
    double beyond =
        std::max(double(space.lo[c]) - double(a[i]), double(a[i]) - double(space.hi[c]));
    worst = std::max(worst, beyond);
    // A pixel on the border of [lo, hi] may be there because its original was outside by rounding.
    const bool on_border = a[i] == space.lo[c] || a[i] == space.hi[c];
    if (space.norm == Norm::linf && !on_border) worst = std::max(worst, away);
  }
  return worst;
}

double outside(const Tensor& images, const Tensor& x, const AttackSpace& space) {
  double worst = outside_box(images, x, space);
  if (space.norm == Norm::linf) return worst;
  // Each value is rounded to about 1e-7 of itself, which adds up over an image.
  const auto values = double(std::max<int64_t>(1, x.size() / std::max<int64_t>(1, x.dim(0))));
  const double forgiven = 2e-7 * (space.norm == Norm::l1 ? values : std::sqrt(values));
  for (double size : change_sizes(images, x, space, space.norm))
    worst = std::max(worst, size - space.radius * (1 + 1e-6) - forgiven);
  return worst;
}

}  // namespace tweed
