// Checking gradients against central differences: public, for users' own operations and layers.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "autograd/graph.h"

namespace tweed {

struct GradcheckOptions {
  double eps = 1e-6;    ///< step of the differences
  double atol = 1e-5;   ///< |analytic - numeric| <= atol + rtol * |numeric|
  double rtol = 1e-3;
  uint64_t seed = 0;    ///< of the random cotangent
  /// True where f has a kink within the step around this value of an input element: such elements
  /// are moved by 10 eps before anything is computed. For example: near 0 for relu.
  std::function<bool(double)> near_kink;
};

/// What gradcheck found. Converts to true if all gradients agree.
struct GradcheckResult {
  bool ok = true;
  double worst = 0;     ///< the largest |analytic - numeric|
  std::string message;  ///< names input, element and both values of the worst disagreement
  explicit operator bool() const { return ok; }
};

/// Compares the gradients that backward() computes for f with central differences, for each element
/// of each input, through a random cotangent (a constant one is blind to softmax and norms).
///
/// @param f       a function of tensors, without random numbers of its own
/// @param inputs  float64 tensors on one device; they are copied
/// @throws ShapeError  if an input is not float64
GradcheckResult gradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& f,
                          const std::vector<Tensor>& inputs, const GradcheckOptions& options = {});

}  // namespace tweed
