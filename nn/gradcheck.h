// Checking the gradients of a whole network against central differences.
#pragma once
#include "autograd/gradcheck.h"
#include "nn/module.h"

namespace tweed {

struct NetworkGradcheckOptions {
  double eps = 1e-6;   ///< step of the differences
  double atol = 1e-6;  ///< |analytic - numeric| <= atol + rtol * |numeric|
  double rtol = 1e-4;
  int64_t elements = 25;  ///< the most of a tensor that are tried, chosen at random
  uint64_t seed = 0;      ///< of that choice and of the cotangent
};

/// Once the network is in float64 (Module::to(dtype)), compares the gradients that backward()
/// computes with central differences, for elements of x and of each parameter that requires a
/// gradient, through a random cotangent. The network is called as it is, in training or in eval
/// mode; dropout draws the same numbers each time, and buffers have their values back afterwards.
/// Gradients of the parameters are not touched.
///
///   network->to(DType::float64);
///   const GradcheckResult result = gradcheck_network(*network, x);
///   if (!result) std::cout << result.message;   // conv1.weight, element 3: analytic ..., numeric
///   ...
///
/// A ReLU or a max pool has kinks, which a step across them sees: of a network in float64 few steps
/// of 1e-6 meet one.
///
/// @param x  float64, what the network takes
/// @throws ShapeError  if x or a parameter is not float64
GradcheckResult gradcheck_network(Module& network, const Tensor& x,
                                  const NetworkGradcheckOptions& options = {});

}  // namespace tweed
