// Guided backpropagation: gradients of which only the positive ones pass a ReLU.
#pragma once
#include "explain/score.h"

namespace tweed {

/// The gradient of the score, where each ReLU lets through only what is positive, both of its input
/// and of the gradient that comes back to it. It counts for ReLUs wherever they are: modules,
/// functions, and those inside a convolution, a batch norm or a linear layer.
///
/// The pictures are sharp, but largely those of the image's edges: they change little where the
/// weights behind the first layers become random (Adebayo et al. 2018, arXiv:1810.03292). See
/// randomised_network().
///
/// @param x        (N, H, W, C)
/// @param targets  (N), int32
/// @return         x's shape
/// @throws Error   if the network has no ReLU
/// Source: Springenberg, Dosovitskiy, Brox, Riedmiller 2014, arXiv:1412.6806
Tensor guided_gradient(Module& network, const Tensor& x, const Tensor& targets,
                       ClassScore score = ClassScore::logit);

}  // namespace tweed
