// Whether a network takes inputs of a size, and if not, which layer is in the way.
#pragma once
#include "nn/module.h"

namespace tweed {

/// What a network makes of zeros of the given shape: one forward pass in eval mode, where and in
/// the type in which the parameters are.
/// @throws ShapeError  naming the innermost layer that fails, what it needs and what it gets:
/// "layer
///                     5, Linear(256, 10), needs 256 features and gets 1024, of (1, 1024)"
Tensor output_for_zeros(Module& network, const Shape& input);

}  // namespace tweed
