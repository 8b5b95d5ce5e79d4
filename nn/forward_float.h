// Float32 images in, float32 logits out, whatever the network computes in.
#pragma once
#include "autograd/elementwise.h"
#include "nn/module.h"

namespace tweed {

/// network(x), with x cast to the network's dtype and the result cast to x's: losses and attacks
/// stay in float32 where the layers run in bfloat16.
inline Tensor forward_float(Module& network, const Tensor& x) {
  return cast(network(cast(x, network.dtype())), x.dtype());
}

}  // namespace tweed
