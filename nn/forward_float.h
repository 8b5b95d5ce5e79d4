// Float32 images in, float32 logits out, whatever the network computes in.
#pragma once
#include "autograd/elementwise.h"
#include "nn/module.h"

namespace tweed {

/// network(x), with x cast to the network's dtype and the result cast to x's, or from bfloat16 to
/// float32: losses and attacks stay in float32 where the layers run in bfloat16.
inline Tensor forward_float(Module& network, const Tensor& x) {
  const DType result = x.dtype() == DType::bfloat16 ? DType::float32 : x.dtype();
  return cast(network(cast(x, network.dtype())), result);
}

}  // namespace tweed
