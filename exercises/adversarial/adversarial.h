#pragma once
#include "nn/module.h"
#include "optim/optimizer.h"

namespace tweed::exercise {

/// How far an attack may change a pixel, by how much a step does, and how many steps there are.
struct Budget {
  float eps = 8 / 255.f, stride = 3 / 255.f;
  int steps = 4;
};

/// The images, changed so that the loss of their labels rises: projected gradient descent from the
/// images themselves. The network is in eval mode meanwhile, and afterwards as it was: its mode,
/// its statistics, its parameters' gradients.
///
/// @param images  (N, H, W, 3), pixels from 0 to 1, which the network takes as they are
/// @param labels  (N), int32
/// @return        (N, H, W, 3), within eps of the images and in 0..1, of no graph
Tensor attacked(Module& network, const Tensor& images, const Tensor& labels, const Budget& budget);

/// A training step on the attacked images, in training mode.
/// @return  the loss on them, before the step
double adversarial_step(Module& network, Optimizer& optimizer, const Tensor& images,
                        const Tensor& labels, const Budget& budget);

}  // namespace tweed::exercise
