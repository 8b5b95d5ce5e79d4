// Whether a network takes inputs of a size, and if not, which layer is in the way.
#pragma once
#include "nn/module.h"

namespace tweed {

/// Zeros of a shape, where and in the type in which the parameters are.
Tensor zeros_for(const Module& network, const Shape& shape);

/// What a network makes of x in one forward pass in eval mode.
/// @throws ShapeError  naming the innermost layer that fails, what it needs and what it gets:
///                     "layer 5 (Linear) needs 256 features and gets 1024, of (1, 1024)"
Tensor try_out(Module& network, const Tensor& x);

/// try_out() of zeros, without a graph.
Tensor output_for_zeros(Module& network, const Shape& input);

}  // namespace tweed
