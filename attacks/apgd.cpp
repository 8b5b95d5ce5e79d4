#include "attacks/apgd.h"

#include <algorithm>

#include "attacks/ball.h"
#include "autograd/argmax.h"
#include "autograd/elementwise.h"
#include "autograd/shape_ops.h"

namespace tweed {
namespace {

constexpr uint32_t draws_of_apgd = 2048;

Tensor column(const Tensor& x, int64_t k) { return slice(x, 1, k, k + 1).reshape({-1}); }

// One run from one start.
class Run {
 public:
  Run(const PixelView& view, PixelView::Objective objective, const Tensor& labels)
      : view_(view), objective_(std::move(objective)), labels_(labels) {}
  Attempt from(const Tensor& start);

 private:
  void look(const Tensor& pixels);
  Tensor stepped(double momentum) const;
  void check(int steps_since);
  Tensor rises(int count) const;

  const PixelView& view_;
  PixelView::Objective objective_;
  Tensor labels_;
  Tensor now_, before_, gradient_;   // (N, H, W, 3)
  Tensor best_, best_gradient_;      // where the loss was largest
  Tensor fooled_, fooled_pixels_;    // the last that fooled
  Tensor best_loss_, checked_loss_;  // (N)
  Tensor halved_;                    // (N), a mask: at the last check
  Tensor stride_;                    // (N, 1, 1, 1)
  std::vector<Tensor> losses_;       // (N) each, that of the start first
};

// Notes what the network says there.
void Run::look(const Tensor& pixels) {
  const PixelView::Slope slope = view_.slope(pixels, objective_);
  const Tensor wrong = is_wrong(slope.logits, labels_);
  const bool first = losses_.empty();
  gradient_ = slope.gradient;
  losses_.push_back(slope.value);
  const Tensor better = first ? Tensor() : above(slope.value, best_loss_);
  best_ = first ? pixels : select(better, pixels, best_);
  best_gradient_ = first ? gradient_ : select(better, gradient_, best_gradient_);
  best_loss_ = first ? slope.value : select(better, slope.value, best_loss_);
  fooled_pixels_ = first ? pixels : select(wrong, pixels, fooled_pixels_);
  fooled_ = first ? wrong : maximum(fooled_, wrong);
}

Tensor Run::stepped(double momentum) const {
  const Tensor way =
      view_.space().norm == Norm::linf ? sign(gradient_) : direction(gradient_, Norm::l2);
  const Tensor ahead = view_.inside(now_ + way * stride_);
  return view_.inside(now_ + (ahead - now_) * momentum + (now_ - before_) * (1 - momentum));
}

// (N): in how many of the last steps the loss rose.
Tensor Run::rises(int count) const {
  Tensor total = best_loss_ * 0;
  for (std::size_t i = losses_.size() - std::size_t(count); i < losses_.size(); ++i)
    total = total + above(losses_[i], losses_[i - 1]);
  return total;
}

// Halves the steps of images that rose in fewer than three of four steps, or whose best loss is
// that of the check before.
void Run::check(int steps_since) {
  const Tensor most = best_loss_ * 0 + 0.75 * steps_since;
  const Tensor seldom = at_least(most, rises(steps_since));
  const Tensor stuck = no(halved_) * at_least(checked_loss_, best_loss_);
  halved_ = maximum(seldom, stuck);
  checked_loss_ = best_loss_;
  stride_ = select(over_pixels(halved_), stride_ * 0.5, stride_);
  now_ = select(halved_, best_, now_);
  gradient_ = select(halved_, best_gradient_, gradient_);
}

Attempt Run::from(const Tensor& start) {
  const int steps = view_.options().steps;
  const int least = std::max(int(0.06 * steps), 1), less = std::max(int(0.03 * steps), 1);
  int wait = std::max(int(0.22 * steps), 1), waited = 0;
  look(start);
  now_ = before_ = start;
  stride_ = Tensor::full({view_.count(), 1, 1, 1}, 2 * view_.space().radius, DType::float32,
                         view_.device());
  checked_loss_ = best_loss_;
  halved_ = best_loss_ * 0 + 1;
  for (int i = 0; i < steps && !view_.options().is_cancelled(); ++i) {
    const Tensor next = stepped(i == 0 ? 1 : 0.75);
    before_ = now_;
    now_ = next;
    look(now_);
    if (++waited < wait) continue;
    check(wait);
    waited = 0;
    wait = std::max(wait - less, least);
  }
  return {select(fooled_, fooled_pixels_, best_), fooled_};
}

// A random point on the border of the ball.
Tensor start_of(const PixelView& view, Draws& draws) {
  const double radius = view.space().radius;
  const Tensor& originals = view.originals();
  if (view.space().norm == Norm::l2)
    return view.valid(originals + random_change(originals, radius, Norm::l2, draws, true));
  const Tensor noise = draws.uniform(originals);
  return view.inside(originals + divided(noise, largest_of_each(abs(noise))) * radius);
}

void check_loss(const PixelView& view, int64_t classes, bool targeted, ApgdLoss loss) {
  if (view.space().norm == Norm::l1) throw Error("[apgd] norms are Linf and L2, not L1");
  const int64_t least = targeted ? 4 : 3;
  if (loss == ApgdLoss::dlr && classes < least)
    throw Error("[apgd] the DLR loss needs " + std::to_string(least) + " classes, not " +
                std::to_string(classes));
}

}  // namespace

Tensor dlr_loss(const Tensor& logits, const Tensor& labels, const Tensor& targets) {
  const Tensor own = logit_of(logits, labels);
  const Tensor sorted = top_k(logits, targets.defined() ? 4 : 3).values;
  const Tensor first = column(sorted, 0), third = column(sorted, 2);
  if (!targets.defined()) return (largest_other(logits, labels) - own) / (first - third + 1e-12);
  const Tensor below = (third + column(sorted, 3)) * 0.5;
  return (logit_of(logits, targets) - own) / (first - below + 1e-12);
}

Attempt apgd(const PixelView& view, const Tensor& labels, const Tensor& targets, ApgdLoss loss,
             Draws& draws) {
  const Tensor clean = view.answers(view.originals());
  check_loss(view, clean.dim(1), targets.defined(), loss);
  const PixelView::Objective objective = [&](const Tensor& logits) {
    if (loss == ApgdLoss::dlr) return dlr_loss(logits, labels, targets);
    return targets.defined() ? -cross_entropies(logits, targets) : cross_entropies(logits, labels);
  };
  // What is wrong already stays as it is.
  Attempt all{view.originals(), is_wrong(clean, labels)};
  for (int k = 0; k < view.options().restarts; ++k) {
    const Attempt one = Run(view, objective, labels).from(start_of(view, draws));
    all.pixels = select(all.fooled, all.pixels, one.pixels);
    all.fooled = maximum(all.fooled, one.fooled);
  }
  return all;
}

Tensor apgd_attack(Module& network, const Tensor& x, const Tensor& labels,
                   const PgdOptions& options, ApgdLoss loss) {
  const PixelView view(network, x, options);
  Tensor targets;
  if (!raises(options.goal))
    targets = labels_to_move(network, x, labels, options, network.random_step());
  Draws draws(options.seed, network.random_step(), draws_of_apgd);
  return view.images(apgd(view, labels, targets, loss, draws).pixels);
}

}  // namespace tweed
