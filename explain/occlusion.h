// Occlusion: what the score loses where a window of the image is covered.
#pragma once
#include "explain/options.h"

namespace tweed {

/// Windows of options.window pixels, options.stride apart, are covered one after another by the
/// baseline; what the score loses is the value of the window's pixels, and a pixel of several
/// windows gets their mean. Windows at the right and lower border may stick out. No gradient has a
/// part in it. options.at_once covered images go through the network together.
///
/// @param x        (N, H, W, C)
/// @param targets  (N), int32
/// @return         (N, H, W), signed: above 0 the pixels speak for the target
/// @throws Error   if windows and strides leave pixels out or are larger than the image
/// Source: Zeiler, Fergus 2013, arXiv:1311.2901
Tensor occlusion(Module& network, const Tensor& x, const Tensor& targets,
                 const ExplainOptions& options = {});

}  // namespace tweed
