#include "explain/grad_cam.h"

#include "autograd/elementwise.h"
#include "autograd/image_ops.h"
#include "autograd/reduce.h"
#include "explain/layer_tap.h"
#include "kernels/machine/printable.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed {

std::string default_layer(Module& network, const Tensor& x) {
  const auto layers = map_layers(network, x);
  if (layers.empty()) throw Error("no layer of this network gives a map of the image");
  return layers.back().name;
}

namespace {

// A layer's result and the gradient of the score there, both (N, h, w, C) and at least float32.
struct Tapped {
  Tensor values, gradient;
};

Tapped tap_layer(Module& network, const Tensor& x, const Tensor& targets,
                 const ExplainOptions& options) {
  const EvalMode eval(network);
  const std::string layer = options.layer.empty() ? default_layer(network, x) : options.layer;
  const LayerTap tap(network, layer);
  const Tensor logits = forward_float(network, x.detach());
  const Tensor score = sum(scores(logits, targets, options.score.value_or(ClassScore::logit)));
  const Tensor result = as_map(tap.output().detach(), x.dim(1), x.dim(2));
  if (!result.defined() || result.dim(1) * result.dim(2) < 2)
    throw Error(
        "the layer " + in_quotes(layer) + " gives " + tap.output().shape().str() +
        ", no map of the image; these do: " + printable(names_of(map_layers(network, x)), 1000));
  const Tensor gradient = grad_of(score, {tap.output()})[0];
  if (!gradient.defined())
    throw Error("the answer does not depend on the layer " + in_quotes(layer));
  const DType dtype = logits.dtype();
  return {cast(result, dtype), cast(as_map(gradient, x.dim(1), x.dim(2)), dtype)};
}

// The channels, each times its weight (N, 1, 1, C), added up and drawn at the image's size.
Tensor weighed(const Tensor& values, const Tensor& weights, const Tensor& x) {
  const Tensor map = relu(sum(values * weights, {3}, true));
  return resize_bilinear(map, x.dim(1), x.dim(2)).reshape({x.dim(0), x.dim(1), x.dim(2)});
}

}  // namespace

Tensor grad_cam(Module& network, const Tensor& x, const Tensor& targets,
                const ExplainOptions& options) {
  const Tapped at = tap_layer(network, x, targets, options);
  return weighed(at.values, mean(at.gradient, {1, 2}, true), x);
}

Tensor grad_cam_plus_plus(Module& network, const Tensor& x, const Tensor& targets,
                          const ExplainOptions& options) {
  const Tapped at = tap_layer(network, x, targets, options);
  // g^2 / (2 g^2 + g^3 A) is 1 / (2 + g A) but for g = 0, where the gradient is nothing in any
  // case.
  const Tensor g = at.gradient, total = sum(at.values, {1, 2}, true);
  const Tensor share = relu(g) / (g * total + 2);
  return weighed(at.values, sum(share, {1, 2}, true), x);
}

}  // namespace tweed
