// A layer's result on its way, and the gradient that comes back to it.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nn/module.h"

namespace tweed {

/// While it lives, each result of one layer is the start of the graph: grad_of(score,
/// {tap.output()}) gives its gradient and walks no further. In the forward pass nothing changes.
///
///   LayerTap tap(network, "layer3");
///   Tensor logits = network(x);
///   Tensor gradient = grad_of(sum(scores(logits, targets, ClassScore::logit)), {tap.output()})[0];
class LayerTap {
 public:
  /// @param layer  a dotted name; @throws Error  listing the names that there are
  LayerTap(Module& network, const std::string& layer);
  /// The layer's last result. @throws Error  if it had none
  const Tensor& output() const;

 private:
  std::string layer_;
  std::shared_ptr<Tensor> output_;  // recorded graphs may outlive the tap
  ScopedHook hook_;
};

/// A layer by its dotted name. @throws Error  listing the names that there are
Module& layer_called(Module& network, const std::string& layer);

/// A layer whose result shows places of the image.
struct MapLayer {
  std::string name;
  Shape shape;  ///< of its result for one image, as a map: (1, h, w, C), h w > 1
};
/// In the order in which they are done with an image; the network itself is none of them.
/// @param x  (N, H, W, C), of which the first image is tried
std::vector<MapLayer> map_layers(Module& network, const Tensor& x);
/// "conv1 (32 x 32), conv2 (16 x 16), ..."
std::string names_of(const std::vector<MapLayer>& layers);

/// A layer's result as a map: (N, h, w, C) is one, tokens (N, L, C) are laid out in the image's
/// proportions, without a class token in front if there is one more than fits. Undefined where it
/// is neither.
Tensor as_map(const Tensor& result, int64_t height, int64_t width);

}  // namespace tweed
