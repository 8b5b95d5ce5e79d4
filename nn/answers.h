// A network's logits in words.
#pragma once
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace tweed {

struct Answer {
  int64_t label;
  double probability;
  std::string name;  ///< of the class
};

/// The likeliest classes of each sample, likeliest first; of equals the first in label order.
/// @param logits   (N, classes)
/// @param classes  their names
/// @param count    how many; all if there are fewer
/// @return         N lists
/// @throws ShapeError  "[top_classes] 10 names for logits (1, 100)"
std::vector<std::vector<Answer>> top_classes(const Tensor& logits,
                                             const std::vector<std::string>& classes,
                                             int64_t count = 5);
/// "bridge 0.93, coast 0.04, mountain 0.01"
std::string text(const std::vector<Answer>& answers);

}  // namespace tweed
