// What a trace says of the tensors of an operation.
#pragma once
#include <string>
#include <vector>

#include "autograd/graph.h"

namespace tweed {

/// "(2, 3) (4, 3) -> (2, 4)", and of the way back "(2, 4) -> (2, 3) (4, 3)".
inline std::string shapes_text(const std::vector<Tensor>& inputs, const Shape& y) {
  std::string text;
  for (auto& t : inputs)
    if (t.defined()) text += t.shape().str() + " ";
  return text + "-> " + y.str();
}
inline std::string shapes_text(const Shape& dy, const Grads& grads) {
  std::string text = dy.str() + " ->";
  for (auto& t : grads)
    if (t.defined()) text += " " + t.shape().str();
  return text;
}

}  // namespace tweed
