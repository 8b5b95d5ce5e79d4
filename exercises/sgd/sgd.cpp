// A step of stochastic gradient descent with momentum and weight decay.
#include "sgd.h"

#include "exercises/sheet.h"

namespace tweed::exercise {

void sgd_step(const SgdOptions& options, std::vector<float>& w, const std::vector<float>& gradient,
              std::vector<float>& velocity) {
  // WRITE: decay into the gradient, the gradient into the velocity, the velocity off the weights.
  blank("the step, in sgd.cpp");
}

}  // namespace tweed::exercise
