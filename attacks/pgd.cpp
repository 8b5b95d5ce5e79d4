#include "attacks/pgd.h"

#include <algorithm>
#include <cmath>

#include "autograd/argmax.h"
#include "autograd/loss.h"
#include "kernels/attack.h"
#include "kernels/machine/trace_notes.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed {
namespace {

using Channels = std::array<float, 3>;

Tensor on_device(const Channels& values, Device device) {
  return Tensor::from(std::vector<float>(values.begin(), values.end()), {3}, device);
}

void check_images(const Tensor& x) {
  if (x.ndim() != 4 || x.dim(3) != 3 || x.dtype() != DType::float32)
    fail("pgd", "images are float32 (N, H, W, 3), not ", x.dtype(), " ", x.shape());
}

Tensor labels_to_move(Module& network, const Tensor& x, const Tensor& labels,
                      const PgdOptions& options) {
  if (options.goal == AttackGoal::raise_label) return labels;
  if (options.goal == AttackGoal::lower_target)
    return Tensor::full(labels.shape(), options.target, DType::int32, labels.device());
  NoGrad no_grad;
  return argmin(forward_float(network, x));
}

}  // namespace

AttackSpace pixel_space(double eps, double step, const Channels& mean, const Channels& std) {
  AttackSpace s;
  for (std::size_t c = 0; c < 3; ++c) {
    s.eps[c] = float(eps / std[c]);
    s.step[c] = float(step / std[c]);
    s.lo[c] = (0.f - mean[c]) / std[c];
    s.hi[c] = (1.f - mean[c]) / std[c];
  }
  return s;
}
AttackSpace normalized_space(double eps, double step) {
  AttackSpace s;
  s.eps.fill(float(eps));
  s.step.fill(float(step));
  s.lo.fill(-std::numeric_limits<float>::infinity());
  s.hi.fill(std::numeric_limits<float>::infinity());
  return s;
}

Pgd::Pgd(const PgdOptions& options, Device device) : options_(options) {
  const AttackSpace& space = options.space;
  Channels step = space.step;
  if (options.goal != AttackGoal::raise_label)
    for (float& s : step) s = -s;
  step_ = on_device(step, device);
  eps_ = on_device(space.eps, device);
  lo_ = on_device(space.lo, device);
  hi_ = on_device(space.hi, device);
}

Tensor Pgd::started(const Tensor& x, uint32_t batch, uint32_t use, const Tensor& clock) const {
  check_images(x);
  const trace::Scope scope("random start", "attack");
  Tensor y = Tensor::empty_like(x);
  const ClockedKey key(RandomKey{options_.seed, Purpose::attack, batch, use},
                       clock.defined() ? clock.read<int32_t>() : Span<const int32_t>());
  on(x.device(), [&](auto& here) {
    random_start(here, key, x.read<float>(),
                 {eps_.read<float>(), lo_.read<float>(), hi_.read<float>()}, y.write<float>());
  });
  return y;
}

void Pgd::step(const Tensor& x, const Tensor& gradient, Tensor& images) const {
  const trace::Scope scope("step of the attack", "attack");
  on(x.device(), [&](auto& here) {
    sign_step(here, x.read<float>(), gradient.read<float>(), step_.read<float>(),
              {eps_.read<float>(), lo_.read<float>(), hi_.read<float>()}, images.write<float>());
  });
  images.changed();
}

PgdResult Pgd::operator()(Module& network, const Tensor& x, const Tensor& labels, uint32_t batch,
                          const Tensor& clock, bool final_loss) const {
  check_images(x);
  EvalMode eval(network);
  PgdResult result;
  result.labels = labels_to_move(network, x, labels, options_);
  result.images = options_.random_start ? started(x, batch, 0, clock) : x.clone();
  for (int i = 0; i < options_.steps; ++i) {
    if (options_.is_cancelled()) return result;
    Tensor leaf = result.images.detach();
    require_grad(leaf);
    Tensor loss = cross_entropy(forward_float(network, leaf), result.labels);
    result.losses.push_back(loss.detach());
    step(x, grad_of(loss, {leaf})[0], result.images);
  }
  if (!final_loss) return result;
  NoGrad no_grad;
  result.losses.push_back(cross_entropy(forward_float(network, result.images), result.labels));
  return result;
}

Attack pgd_in_step(const PgdOptions& options, Device device) {
  return [pgd = Pgd(options, device)](Module& network, const Tensor& x, const Tensor& labels) {
    const RandomStep& random = network.random_step();
    return pgd(network, x, labels, random.step, random.clock, false).images;
  };
}

Attack pgd_attack(const PgdOptions& options, Device device) {
  constexpr int most_recorded_steps = 100;
  Attack attack = pgd_in_step(options, device);
  return options.cancelled && options.steps > most_recorded_steps
             ? attack
             : recorded(std::move(attack), device);
}

PgdResult pgd(Module& network, const Tensor& x, const Tensor& labels, const PgdOptions& options,
              uint32_t batch) {
  return Pgd(options, x.device())(network, x, labels, batch);
}

Tensor random_noise(const Tensor& x, const AttackSpace& space, uint64_t seed, uint32_t batch) {
  return Pgd({.space = space, .seed = seed}, x.device()).started(x, batch, 1);
}

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

double outside(const Tensor& images, const Tensor& x, const AttackSpace& space) {
  auto a = images.to_vector<float>(), b = x.to_vector<float>();
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i])) return std::numeric_limits<double>::infinity();
    std::size_t c = i % 3;
    // In double the bounds are exact, so nothing is lost in this comparison.
    double away = std::abs(double(a[i]) - double(b[i])) - double(space.eps[c]);
    double beyond =
        std::max(double(space.lo[c]) - double(a[i]), double(a[i]) - double(space.hi[c]));
    worst = std::max(worst, beyond);
    // A pixel on the border of [lo, hi] may be there because its original was outside by rounding.
    if (a[i] != space.lo[c] && a[i] != space.hi[c]) worst = std::max(worst, away);
  }
  return worst;
}

}  // namespace tweed
