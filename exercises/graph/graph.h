#pragma once
#include <cstdint>
#include <functional>
#include <vector>

namespace tweed::exercise {

/// A number that was computed from others.
struct Node {
  int64_t number = 0;  ///< larger than those of its inputs
  std::vector<Node*> inputs;
  /// From dL/d(this) to dL/d(input) for each input, in order; null where there are no inputs.
  std::function<std::vector<double>(double)> backward;
  double gradient = 0;  ///< dL/d(this): what walk_back() finds
};

/// Finds d(result)/d(node) for every node that the result was computed from, and for itself, which
/// is 1. Each node's `backward` is called once; gradients are 0 before.
void walk_back(Node& result);

}  // namespace tweed::exercise
