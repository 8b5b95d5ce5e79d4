#pragma once
#include "nn/module.h"

namespace tweed::exercise {

/// For each image the absolute gradient of the cross-entropy of the network's own answer with
/// respect to the pixels, maximum over channels. The network is in eval mode meanwhile.
///
/// @param images  (N, H, W, 3)
/// @return        (N, H, W)
Tensor saliency_of(Module& network, const Tensor& images);

}  // namespace tweed::exercise
