// What a training step minimises.
#pragma once
#include <functional>

#include "nn/module.h"

namespace tweed {

struct LossAndLogits {
  Tensor loss;    ///< one element, the mean over the images
  Tensor logits;  ///< (N, classes), float32: what accuracy in training is counted on
};

/// How the images of a batch, or of a part of it, become a loss. It is called with
///   network  in training mode, its random_step() set for this part
///   images   (N, H, W, 3), normalised, on the network's device
///   labels   (N), int32
///   first    where they begin in the batch
/// and may be recorded (see Replay), so it copies nothing from or to the host.
using Objective = std::function<LossAndLogits(Module& network, const Tensor& images,
                                              const Tensor& labels, int64_t first)>;

/// What a classifier minimises: cross-entropy.
LossAndLogits classified(Module& network, const Tensor& images, const Tensor& labels,
                         int64_t first = 0);

}  // namespace tweed
