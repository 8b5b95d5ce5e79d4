#include "attacks/fool.h"

#include <algorithm>

#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "kernels/attack.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed {
namespace {

using Channels = std::array<float, 3>;

Tensor per_channel(const Channels& values, Device device) {
  return Tensor::from(std::vector<float>(values.begin(), values.end()), {3}, device);
}

// The images on their way, and what is needed to move them.
struct Ascent {
  Ascent(const Tensor& x, const FoolOptions& options)
      : options(options),
        x(x),
        images(x.clone()),
        step(per_channel(options.space.step, x.device())),
        eps(per_channel(options.space.eps, x.device())),
        lo(per_channel(options.space.lo, x.device())),
        hi(per_channel(options.space.hi, x.device())) {
    Channels inverse;
    for (std::size_t c = 0; c < 3; ++c) inverse[c] = 1 / options.space.unit[c];
    pixel = per_channel(inverse, x.device());
    mean = per_channel(options.space.zero, x.device());
  }

  // The kernel adds step * sign(gradient), and nothing where that is 0; then it projects.
  void sign_and_project(const Tensor& gradient) {
    on(x.device(), [&](auto& here) {
      sign_step(here, x.read<float>(), gradient.read<float>(), step.read<float>(),
                {eps.read<float>(), lo.read<float>(), hi.read<float>()}, images.write<float>());
    });
    images.changed();
  }

  /// @param gradient  of log P, whose direction is that of P's
  void move(const Tensor& gradient, const Tensor& probability) {
    NoGrad no_grad;
    if (options.sign) return sign_and_project(gradient);
    Tensor change;
    if (options.lambda) {
      // dP = P d log P, and in pixels both the gradient and the change have a factor 1 / std.
      change = gradient * pixel * pixel * (reshape(probability, {-1, 1, 1, 1}) * *options.lambda);
    } else {
      const Tensor weighted = gradient * step;
      const Tensor largest = norm_linf(weighted, {1, 2, 3}, true);
      const Tensor least = Tensor::full(largest.shape(), 1e-30, DType::float32, x.device());
      change = weighted / maximum(largest, least) * step;
    }
    images = images + change;
    sign_and_project(Tensor::zeros(x.shape(), DType::float32, x.device()));
  }

  // What the network is shown.
  Tensor seen() const {
    if (!options.eight_bits) return images;
    NoGrad no_grad;
    // A float32 of this size has no place for fractions.
    constexpr double whole = 1 << 23;
    const Tensor levels = (images / pixel + mean) * 255 + whole - whole;
    return (levels / 255 - mean) * pixel;
  }

  const FoolOptions& options;
  Tensor x, images, step, eps, lo, hi, pixel, mean;
};

void check(const Tensor& x, const Tensor& targets, const FoolOptions& options) {
  if (options.space.norm != Norm::linf || !keeps_pixels(options.space))
    throw Error("[fool] its bounds are those of pixels, in Linf");
  if (x.ndim() != 4 || x.dim(3) != 3 || x.dtype() != DType::float32)
    fail("fool", "images are float32 (N, H, W, 3), not ", x.dtype(), " ", x.shape());
  if (targets.ndim() != 1 || targets.dim(0) != x.dim(0) || targets.dtype() != DType::int32)
    fail("fool", "targets are int32 (", x.dim(0), "), not ", targets.dtype(), " ", targets.shape());
}

// P of each target, (N).
Tensor probability_of(const Tensor& logits, const Tensor& targets) {
  NoGrad no_grad;
  const Tensor one_hot = mixed_labels(
      targets, targets, Tensor::full(targets.shape(), 1, DType::float32, targets.device()),
      logits.dim(1), DType::float32);
  return sum(softmax(logits.detach()) * one_hot, {1});
}

}  // namespace

Fooled fool(Module& network, const Tensor& x, const Tensor& targets, const FoolOptions& options) {
  check(x, targets, options);
  EvalMode eval(network);
  const int64_t count = x.dim(0);
  Ascent ascent(x, options);
  Fooled best{x.clone(), std::vector<double>(std::size_t(count), -1),
              std::vector<int>(std::size_t(count), 0)};
  for (int step = 0;; ++step) {
    const Tensor seen = ascent.seen();
    Tensor leaf = seen.detach();
    require_grad(leaf);
    const Tensor logits = forward_float(network, leaf);
    const Tensor probability = probability_of(logits, targets);
    const auto now = probability.to_doubles();
    bool done = true;
    for (int64_t i = 0; i < count; ++i) {
      const auto k = std::size_t(i);
      // An image that is done goes on with the others, unseen.
      if (best.probability[k] < options.until && now[k] > best.probability[k]) {
        best.probability[k] = now[k];
        best.steps[k] = step;
        best.images.slice(i, i + 1).copy_from(seen.slice(i, i + 1));
      }
      done = done && best.probability[k] >= options.until;
    }
    if (done || step == options.steps || (options.cancelled && options.cancelled())) return best;
    // Each image's own: the mean's gradient times their number.
    const Tensor log_p = cross_entropy(logits, targets) * -double(count);
    ascent.move(grad_of(log_p, {leaf})[0], probability);
  }
}

}  // namespace tweed
