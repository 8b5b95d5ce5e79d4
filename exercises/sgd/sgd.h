#pragma once
#include <vector>

namespace tweed::exercise {

struct SgdOptions {
  float lr = 0.1f, momentum = 0.9f, weight_decay = 0;
};
/// One step of SGD with momentum, as PyTorch has it.
///
/// @param w         the weights, changed in place
/// @param gradient  d(loss)/d(w)
/// @param velocity  changed in place; all zeros before the first step
void sgd_step(const SgdOptions& options, std::vector<float>& w, const std::vector<float>& gradient,
              std::vector<float>& velocity);

}  // namespace tweed::exercise
