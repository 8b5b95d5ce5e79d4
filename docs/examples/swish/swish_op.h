#pragma once
#include "autograd/graph.h"

namespace tweed {

/// x times its sigmoid.
///
///   y = x / (1 + exp(-x))
///
/// @param x  any shape
/// @return   x's shape, dtype and device
/// Saves x. Source: Ramachandran, Zoph, Le 2017, arXiv:1710.05941
Tensor swish(const Tensor& x);

}  // namespace tweed
