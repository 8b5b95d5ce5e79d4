#include "attacks/probability.h"

#include "attacks/pixel_view.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"

namespace tweed {
namespace {

void check_norm(const char* name, const PgdOptions& options) {
  if (options.space.norm != Norm::linf) throw Error(std::string("[") + name + "] its norm is Linf");
}

}  // namespace

Tensor probability_ascent(Module& network, const Tensor& x, const Tensor& labels,
                          const PgdOptions& options) {
  check_norm("probability", options);
  const PixelView view(network, x, options);
  const Tensor moved = labels_to_move(network, x, labels, options, network.random_step());
  const double stride = raises(options.goal) ? -options.space.stride : options.space.stride;
  Tensor pixels = view.originals();
  for (int i = 0; i < options.steps && !options.is_cancelled(); ++i) {
    const auto slope =
        view.slope(pixels, [&](const Tensor& logits) { return logit_of(softmax(logits), moved); });
    pixels = view.inside(pixels + slope.gradient * stride);
  }
  return view.images(pixels);
}

Tensor until_sure(Module& network, const Tensor& x, const Tensor& labels,
                  const PgdOptions& options) {
  check_norm("sure", options);
  const PixelView view(network, x, options);
  const Tensor moved = labels_to_move(network, x, labels, options, network.random_step());
  const bool up = raises(options.goal);
  const double enough = options.confidence < 0 ? 0.99 : options.confidence;
  Tensor pixels = view.originals();
  for (int i = 0; i < options.steps && !options.is_cancelled(); ++i) {
    const auto slope = view.slope(pixels, [&](const Tensor& logits) {
      const Tensor each = cross_entropies(logits, moved);
      return up ? each : -each;
    });
    const NoGrad no_grad;
    const Tensor likely = softmax(slope.logits);
    const Tensor sure = up ? largest_other(likely, moved) : logit_of(likely, moved);
    const Tensor done = at_least(sure, sure * 0 + enough);
    const Tensor next = view.inside(pixels + sign(slope.gradient) * options.space.stride);
    pixels = select(done, pixels, next);
  }
  return view.images(pixels);
}

}  // namespace tweed
