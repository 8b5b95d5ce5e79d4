#include "attacks/pgd.h"

#include <optional>

#include "attacks/ball.h"
#include "autograd/argmax.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "kernels/attack.h"
#include "kernels/machine/trace_notes.h"
#include "nn/eval_mode.h"

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

// The seed's draws of this use for other purposes than starts.
constexpr uint32_t draws_of_targets = 64, draws_of_starts = 128;

Tensor random_labels(const Tensor& logits, const Tensor& labels, const PgdOptions& options,
                     const RandomStep& step) {
  Draws draws(options.seed, step, draws_of_targets);
  return likeliest_other(draws.uniform(logits), labels);
}

}  // namespace

bool raises(AttackGoal goal) { return goal == AttackGoal::raise_label; }

Tensor labels_to_move(Module& network, const Tensor& x, const Tensor& labels,
                      const PgdOptions& options, const RandomStep& step) {
  if (raises(options.goal)) return labels;
  if (options.goal == AttackGoal::lower_target)
    return Tensor::full(labels.shape(), options.target, DType::int32, labels.device());
  NoGrad no_grad;
  const Tensor logits = answer_of(network, x);
  if (options.goal == AttackGoal::least_likely) return argmin(logits);
  if (options.goal == AttackGoal::second_likely) return likeliest_other(logits, labels);
  return random_labels(logits, labels, options, step);
}

Pgd::Pgd(const PgdOptions& options, Device device) : options_(options) {
  const AttackSpace& space = options.space;
  Channels step = space.step;
  if (!raises(options.goal))
    for (float& s : step) s = -s;
  step_ = on_device(step, device);
  eps_ = on_device(space.eps, device);
  lo_ = on_device(space.lo, device);
  hi_ = on_device(space.hi, device);
  unit_ = on_device(space.unit, device);
}

Tensor Pgd::started(const Tensor& x, const RandomStep& batch, uint32_t use) const {
  check_images(x);
  const trace::Scope scope("random start", "attack");
  const AttackSpace& space = options_.space;
  if (space.norm != Norm::linf) {
    Draws draws(options_.seed, batch, draws_of_starts + 8 * use);
    const Tensor change = random_change(x, space.radius, space.norm, draws, use == 1) / unit_;
    return maximum(minimum(x + change, hi_), lo_);
  }
  Tensor y = Tensor::empty_like(x);
  const ClockedKey key(
      RandomKey{options_.seed, Purpose::attack, batch.step, use, batch.first, batch.images},
      batch.clock.defined() ? batch.clock.read<int32_t>() : Span<const int32_t>());
  on(x.device(), [&](auto& here) {
    random_start(here, key, x.read<float>(),
                 {eps_.read<float>(), lo_.read<float>(), hi_.read<float>()}, y.write<float>());
  });
  return y;
}

// Of the mean loss, which goes into the result.
Tensor Pgd::gradient(Module& network, const Tensor& images, PgdResult& result,
                     uint32_t batch) const {
  Tensor total, losses;
  for (int k = 0; k < options_.draws; ++k) {
    Tensor leaf = images.detach();
    require_grad(leaf);
    const Tensor seen =
        options_.transform
            ? options_.transform(
                  leaf, (batch * 1000 + uint32_t(result.losses.size())) * uint32_t(options_.draws) +
                            uint32_t(k))
            : leaf;
    Tensor loss = cross_entropy(answer_of(network, seen), result.labels);
    const Tensor each = grad_of(loss, {leaf})[0];
    total = k ? total + each : each;
    losses = k ? losses + loss.detach() : loss.detach();
  }
  result.losses.push_back(options_.draws > 1 ? losses / options_.draws : losses);
  return total;
}

void Pgd::step(const Tensor& x, const Tensor& gradient, Tensor& images) const {
  const trace::Scope scope("step of the attack", "attack");
  const AttackSpace& space = options_.space;
  if (space.norm != Norm::linf) {
    const Tensor before = (images - x) * unit_;
    const Tensor least = (minimum(lo_, x) - x) * unit_, most = (maximum(hi_, x) - x) * unit_;
    Tensor ahead = gradient / unit_ * (raises(options_.goal) ? 1 : -1);
    // L1's few values are to be such that can still go that way.
    if (space.norm == Norm::l1)
      ahead = ahead * select(at_least(ahead, ahead * 0), above(most, before), above(before, least));
    const Tensor change = before + direction(ahead, space.norm) * space.stride;
    const Tensor inside = into_ball(change, least, most, space.radius, space.norm);
    images = maximum(minimum(x + inside / unit_, hi_), lo_);
    return;
  }
  on(x.device(), [&](auto& here) {
    sign_step(here, x.read<float>(), gradient.read<float>(), step_.read<float>(),
              {eps_.read<float>(), lo_.read<float>(), hi_.read<float>()}, images.write<float>());
  });
  images.changed();
}

// From one start to the end. False if it was cancelled.
bool Pgd::run(Module& network, const Tensor& x, PgdResult& result, const RandomStep& batch,
              uint32_t use) const {
  result.images = options_.random_start ? started(x, batch, use) : x.clone();
  Tensor gathered;
  for (int i = 0; i < options_.steps; ++i) {
    if (options_.is_cancelled()) return false;
    Tensor gradient = this->gradient(network, result.images, result, batch.step);
    if (options_.momentum > 0) {
      const Tensor in_units = gradient / unit_;
      const Tensor at_one = divided(in_units, sum_of_each(abs(in_units)));
      gathered = gathered.defined() ? gathered * options_.momentum + at_one : at_one;
      gradient = gathered * unit_;
    }
    step(x, gradient, result.images);
  }
  return true;
}

// For each image how far the goal is reached: a fooled one counts above all others. Notes the mean
// loss.
Tensor Pgd::rated(Module& network, PgdResult& result, const Tensor& labels) const {
  const NoGrad no_grad;
  const Tensor logits = answer_of(network, result.images);
  result.losses.push_back(cross_entropy(logits, result.labels));
  if (options_.restarts == 1) return {};
  const bool up = raises(options_.goal);
  const Tensor each = cross_entropies(logits, result.labels);
  const Tensor fooled = up ? is_wrong(logits, labels) : no(is_wrong(logits, result.labels));
  return (up ? each : -each) + fooled * 1e6;
}

PgdResult Pgd::operator()(Module& network, const Tensor& x, const Tensor& labels,
                          const RandomStep& batch, bool final_loss) const {
  check_images(x);
  std::optional<EvalMode> eval;
  if (!options_.training_mode) eval.emplace(network);
  PgdResult result;
  result.labels = labels_to_move(network, x, labels, options_, batch);
  if (!run(network, x, result, batch, 0)) return result;
  if (options_.restarts == 1 && !final_loss) return result;
  Tensor best = rated(network, result, labels);
  for (int k = 1; k < options_.restarts; ++k) {
    PgdResult next;
    next.labels = result.labels;
    if (!run(network, x, next, batch, uint32_t(k) + 1)) return result;
    const Tensor rating = rated(network, next, labels), better = above(rating, best);
    result.images = select(better, next.images, result.images);
    best = select(better, rating, best);
  }
  if (options_.restarts == 1) return result;
  const NoGrad no_grad;
  result.losses.back() = cross_entropy(answer_of(network, result.images), result.labels);
  return result;
}

Attack pgd_in_step(const PgdOptions& options, Device device) {
  return [pgd = Pgd(options, device)](Module& network, const Tensor& x, const Tensor& labels) {
    return pgd(network, x, labels, network.random_step(), false).images;
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
  return Pgd(options, x.device())(network, x, labels, {.step = batch});
}

Tensor random_noise(const Tensor& x, const AttackSpace& space, uint64_t seed, uint32_t batch) {
  return Pgd({.space = space, .seed = seed}, x.device()).started(x, {.step = batch}, 1);
}

}  // namespace tweed
