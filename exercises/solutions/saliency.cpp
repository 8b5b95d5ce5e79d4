// Gradient saliency.
#include "saliency.h"

#include <algorithm>
#include <cmath>

#include "autograd/argmax.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "nn/eval_mode.h"

namespace tweed::exercise {

Tensor saliency_of(Module& network, const Tensor& images) {
  const EvalMode eval(network);
  const Tensor x = require_grad(images.clone());
  const Tensor logits = network(x);
  const Tensor loss = cross_entropy(logits, argmax(logits.detach(), 1)) * double(images.dim(0));
  const Tensor gradient = grad_of(loss, {x})[0];
  const std::vector<float> g = gradient.to_vector<float>();
  std::vector<float> map(g.size() / 3);
  for (std::size_t i = 0; i < map.size(); ++i)
    for (std::size_t c = 0; c < 3; ++c) map[i] = std::max(map[i], std::abs(g[3 * i + c]));
  return Tensor::from(map, {images.dim(0), images.dim(1), images.dim(2)});
}

}  // namespace tweed::exercise
