// Integrated gradients: what an image adds to the score of a baseline, pixel by pixel.
#pragma once
#include "explain/options.h"

namespace tweed {

/// (x - baseline) times the mean of the gradient on the straight way from baseline to x, taken at
/// the middles of options.steps equal parts of it (the midpoint rule). The values of an image add
/// up to its score less the baseline's, the nearer the more steps there are. options.at_once images
/// of the way are in memory together, however many steps there are.
///
/// @param x        (N, H, W, C)
/// @param targets  (N), int32
/// @return         x's shape, signed
/// Source: Sundararajan, Taly, Yan 2017, arXiv:1703.01365
Tensor integrated_gradients(Module& network, const Tensor& x, const Tensor& targets,
                            const ExplainOptions& options = {});

/// options.baseline for images of x's size: (1, H, W, C). @throws ShapeError  if it does not fit
Tensor baseline_for(const Tensor& x, const ExplainOptions& options);

}  // namespace tweed
