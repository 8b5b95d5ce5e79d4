// Adversarial weight perturbation: weights moved up the loss for the length of a step.
#pragma once
#include <functional>
#include <vector>

#include "optim/parameter_buffer.h"

namespace tweed {

/// What makes a gradient of this process's images that of all, where several train together. The
/// loss has its share before the gradient is taken: batch norms with the statistics of all images
/// add up what comes back to them over the processes.
struct Together {
  double share = 1;                        ///< of this process's mean loss in that of all
  std::function<void(const Tensor&)> sum;  ///< over all processes, in place; none for a single one
};

/// Moves each parameter of two axes or more up a loss, by a share of its own size:
///
///   w + gamma |w| g / |g|,   g = d loss / d w, and | | the Euclidean norm of the whole parameter
///
/// so that gradients can be taken there. Weights are back before the optimizer sees them, weight
/// decay is that of the weights themselves. (The authors' code lets the optimizer step from the
/// moved weights.) Of bfloat16 layers the float32 masters move, and are rounded for the network.
/// Source: Wu et al. 2020, arXiv:2004.05884
class WeightPerturbation {
 public:
  /// Refers to the parameters, which must outlive it.
  WeightPerturbation(const ParameterBuffer& parameters, double gamma, Together together = {});
  /// @param loss  of the network's parameters; its graph is used up, no gradient adds to theirs
  void up(const Tensor& loss);
  /// The weights as they were before up(), to the bit.
  void back();

 private:
  const ParameterBuffer& parameters_;
  double gamma_;
  Together together_;
  Tensor kept_;
};

}  // namespace tweed
