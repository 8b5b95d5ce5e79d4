#include "attacks/pixel_view.h"

#include "attacks/ball.h"
#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "kernels/attack.h"

namespace tweed {

PixelView::PixelView(Module& network, const Tensor& x, const PgdOptions& options)
    : network_(network), x_(x), options_(options) {
  if (x.ndim() != 4 || x.dim(3) != 3 || x.dtype() != DType::float32)
    fail("attack", "images are float32 (N, H, W, 3), not ", x.dtype(), " ", x.shape());
  if (!options.training_mode) eval_.emplace(network);
  const AttackSpace& space = options.space;
  unit_ = channels(space.unit, x.device());
  zero_ = channels(space.zero, x.device());
  lo_ = channels(space.lo, x.device());
  hi_ = channels(space.hi, x.device());
  originals_ = x * unit_ + zero_;
  const double infinity = std::numeric_limits<double>::infinity();
  const bool kept = keeps_pixels(space);
  least_ = Tensor::full({}, kept ? 0 : -infinity, DType::float32, x.device());
  most_ = Tensor::full({}, kept ? 1 : infinity, DType::float32, x.device());
}

Tensor PixelView::logits(const Tensor& pixels) const {
  return answer_of(network_, (pixels - zero_) / unit_);
}
Tensor PixelView::answers(const Tensor& pixels) const {
  const NoGrad no_grad;
  return answer_of(network_, images(pixels, false));
}

Tensor PixelView::valid(const Tensor& pixels) const {
  return maximum(minimum(pixels, most_), least_);
}
Tensor PixelView::inside(const Tensor& pixels) const {
  const double radius = space().radius;
  if (space().norm == Norm::linf)
    return valid(maximum(minimum(pixels, originals_ + radius), originals_ - radius));
  return valid(originals_ +
               into_ball(pixels - originals_, minimum(least_ - originals_, originals_ * 0),
                         maximum(most_ - originals_, originals_ * 0), radius, space().norm));
}
Tensor PixelView::sizes(const Tensor& pixels) const {
  const Tensor change = abs(pixels - originals_);
  return space().norm == Norm::linf ? largest_of_each(change)
         : space().norm == Norm::l2 ? l2_of_each(change)
                                    : sum_of_each(change);
}

Tensor PixelView::images(const Tensor& pixels, bool bounded) const {
  const Tensor changed = x_ + (pixels - originals_) / unit_;
  if (!bounded || space().norm != Norm::linf) return maximum(minimum(changed, hi_), lo_);
  // A step of 0 is the kernel's exact projection alone.
  const Tensor none = Tensor::zeros_like(changed), eps = channels(space().eps, device());
  const Tensor still = Tensor::zeros({3}, DType::float32, device());
  on(device(), [&](auto& here) {
    sign_step(here, x_.read<float>(), none.read<float>(), still.read<float>(),
              {eps.read<float>(), lo_.read<float>(), hi_.read<float>()}, changed.write<float>());
  });
  changed.changed();
  return changed;
}

PixelView PixelView::of(const Tensor& indexes) const {
  return {network_, gather_rows(x_, indexes), options_};
}

PixelView::Slope PixelView::slope(const Tensor& pixels, const Objective& f) const {
  const Tensor leaf = pixels.detach();
  require_grad(leaf);
  const Tensor answer = logits(leaf), value = f(answer);
  Slope result;
  result.gradient = grad_of(sum(value), {leaf})[0];
  result.value = value.detach();
  result.logits = answer.detach();
  return result;
}

}  // namespace tweed
