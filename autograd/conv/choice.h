// Which algorithm computes each pass of a convolution. Not for users: autograd/conv.h is.
#pragma once
#include "autograd/conv/algorithm.h"

namespace tweed {

/// The algorithm of each pass; each can compute it.
struct ConvPlan {
  const ConvAlgorithm *forward, *input, *weight;
};

/// What `wanted`, or for null the device's algorithm, means for a convolution: that algorithm for
/// all passes, or whom it leaves them to (`otherwise`); for `auto`, the table's choice for each.
/// Kept, so that it is found at once from then on; conv_choices() lists what is kept.
/// @throws DeviceError  see check_conv_algorithm
ConvPlan plan_conv(const AnyConv& c, DType dtype, Device device,
                   const ConvAlgorithm* wanted = nullptr);

}  // namespace tweed
