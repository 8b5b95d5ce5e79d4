// Which rung of the ladder computes each pass of a convolution. Not for users: autograd/conv.h is.
#pragma once
#include "autograd/conv.h"
#include "kernels/window.h"

namespace tweed {

/// The algorithm of each pass, never `automatic`.
struct ConvPlan {
  ConvAlgorithm forward, input, weight;
  bool operator==(const ConvPlan&) const = default;
};

/// What conv_algorithm() means for a convolution: that algorithm for all passes, or the table's
/// choice for each. Noted for conv_choices(). On `cpu`, `direct` and `winograd` have no float64,
/// which takes `tiled`; where there is no Winograd, `winograd` is `direct`. float64, and windows of
/// more than mma_most_taps, take `implicit` for `mma`.
/// @throws DeviceError  see check_conv_algorithm
ConvPlan plan_conv(const Conv& c, DType dtype, Device device);

}  // namespace tweed
