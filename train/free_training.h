// Free adversarial training: a training step's backward pass moves the attack as well.
#pragma once
#include "train/defence.h"

namespace tweed {

/// See defence_called(). Each batch is trained on in as many steps as the attack has, with images
/// x + perturbation, which each step moves along the sign of its gradient, within
/// eps. The perturbation starts at 0 and goes on from batch to batch, image i of the next
/// beginning with what image i of this one came to; it is the defence's state, "perturbation".
/// Source: Shafahi et al. 2019, arXiv:1904.12843
Defence free_training(const DefenceOptions& options, const ParameterBuffer& parameters,
                      const Tensor& images);

}  // namespace tweed
