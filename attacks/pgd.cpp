#include "attacks/pgd.h"

#include <algorithm>
#include <cmath>

#include "autograd/argmax.h"
#include "autograd/loss.h"
#include "kernels/attack.h"
#include "nn/eval_mode.h"

namespace tweed {
namespace {

using Channels = std::array<float, 3>;

Tensor on_device(const Channels& values, const Tensor& like) {
  return Tensor::from(std::vector<float>(values.begin(), values.end()), {3}, like.device());
}

// The box as the kernels take it.
struct Box {
  Box(const AttackSpace& space, const Tensor& like)
      : eps(on_device(space.eps, like)),
        lo(on_device(space.lo, like)),
        hi(on_device(space.hi, like)) {}
  AttackBox<float> spans() const { return {eps.read<float>(), lo.read<float>(), hi.read<float>()}; }
  Tensor eps, lo, hi;
};

void check_images(const Tensor& x) {
  if (x.ndim() != 4 || x.dim(3) != 3 || x.dtype() != DType::float32)
    fail("pgd", "images are float32 (N, H, W, 3), not ", x.dtype(), " ", x.shape());
}

Tensor started(const Tensor& x, const Box& box, uint64_t seed, uint32_t batch, uint32_t use) {
  Tensor y = Tensor::empty_like(x);
  RandomKey key{seed, Purpose::attack, batch, use};
  on(x.device(),
     [&](auto& here) { random_start(here, key, x.read<float>(), box.spans(), y.write<float>()); });
  return y;
}

Tensor labels_to_move(Module& network, const Tensor& x, const Tensor& labels,
                      const PgdOptions& options) {
  if (options.goal == AttackGoal::raise_label) return labels;
  if (options.goal == AttackGoal::lower_target)
    return Tensor::full(labels.shape(), options.target, DType::int32, labels.device());
  NoGrad no_grad;
  return argmin(network(x));
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

PgdResult pgd(Module& network, const Tensor& x, const Tensor& labels, const PgdOptions& options,
              uint32_t batch) {
  check_images(x);
  EvalMode eval(network);
  Box box(options.space, x);
  Channels signed_step = options.space.step;
  if (options.goal != AttackGoal::raise_label)
    for (float& s : signed_step) s = -s;
  Tensor step = on_device(signed_step, x);

  PgdResult result;
  result.labels = labels_to_move(network, x, labels, options);
  result.images = options.random_start ? started(x, box, options.seed, batch, 0) : x.clone();
  for (int i = 0; i < options.steps; ++i) {
    Tensor leaf = result.images.detach();
    require_grad(leaf);
    Tensor loss = cross_entropy(network(leaf), result.labels);
    result.losses.push_back(loss.item());
    Tensor gradient = grad_of(loss, {leaf})[0];
    on(x.device(), [&](auto& here) {
      sign_step(here, x.read<float>(), gradient.read<float>(), step.read<float>(), box.spans(),
                result.images.write<float>());
    });
    result.images.changed();
  }
  NoGrad no_grad;
  result.losses.push_back(cross_entropy(network(result.images), result.labels).item());
  return result;
}

Tensor random_noise(const Tensor& x, const AttackSpace& space, uint64_t seed, uint32_t batch) {
  check_images(x);
  return started(x, Box(space, x), seed, batch, 1);
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
