// Grad-CAM and Grad-CAM++: where the channels of a layer stand for a class.
#pragma once
#include "explain/options.h"

namespace tweed {

/// Channels of options.layer, each weighed by the mean of its gradient, added up; what speaks
/// against the class (below 0) is left out. The layer's result may be a map or tokens (see
/// as_map()); the map is enlarged to the image by bilinear interpolation.
///
/// @param x        (N, H, W, C)
/// @param targets  (N), int32
/// @return         (N, H, W), not negative
/// @throws Error   if there is no such layer, or it gives no map: listing those that do
/// Source: Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra 2016, arXiv:1610.02391
Tensor grad_cam(Module& network, const Tensor& x, const Tensor& targets,
                const ExplainOptions& options = {});

/// The same with other weights: the positive parts of a channel's gradient g, each times
/// g^2 / (2 g^2 + g^3 A), where A is the sum of the channel's values. So several objects of a class
/// count alike, whatever their size. Meant for layers behind a ReLU, where no A is negative.
/// Source: Chattopadhay, Sarkar, Howlader, Balasubramanian 2017, arXiv:1710.11063
Tensor grad_cam_plus_plus(Module& network, const Tensor& x, const Tensor& targets,
                          const ExplainOptions& options = {});

/// The layer that Grad-CAM takes if none is named: the last that gives a map.
/// @throws Error  if none does
std::string default_layer(Module& network, const Tensor& x);

}  // namespace tweed
