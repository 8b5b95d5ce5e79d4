// Adversarial training: attack the batch, then learn from it.
#include "adversarial.h"

#include <algorithm>

#include "autograd/loss.h"
#include "nn/eval_mode.h"

namespace tweed::exercise {

Tensor attacked(Module& network, const Tensor& images, const Tensor& labels, const Budget& budget) {
  const EvalMode eval(network);
  const auto from = images.to_vector<float>();
  auto pixels = from;
  for (int step = 0; step < budget.steps; ++step) {
    const Tensor x = require_grad(Tensor::from(pixels, images.shape()));
    const Tensor loss = cross_entropy(network(x), labels);
    const auto gradient = grad_of(loss, {x})[0].to_vector<float>();
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const float way = float((gradient[i] > 0) - (gradient[i] < 0));
      const float moved = pixels[i] + budget.stride * way;
      const float near = std::clamp(moved, from[i] - budget.eps, from[i] + budget.eps);
      pixels[i] = std::clamp(near, 0.f, 1.f);
    }
  }
  return Tensor::from(pixels, images.shape());
}

double adversarial_step(Module& network, Optimizer& optimizer, const Tensor& images,
                        const Tensor& labels, const Budget& budget) {
  const Tensor x = attacked(network, images, labels, budget);
  optimizer.zero_grad();
  const Tensor loss = cross_entropy(network(x), labels);
  backward(loss);
  optimizer.step();
  return loss.item();
}

}  // namespace tweed::exercise
