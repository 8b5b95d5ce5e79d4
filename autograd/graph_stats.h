// What a graph is made of.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "autograd/graph.h"

namespace tweed {

/// A tensor that an operation keeps for its backward pass.
struct SavedTensor {
  std::string operation;
  Tensor tensor;
};
/// The operations and saved tensors that can be reached from y, for tests and for the curious.
struct GraphStats {
  int64_t operations = 0;
  int64_t saved_bytes = 0;
  std::set<std::string> names;     ///< of the operations
  std::vector<SavedTensor> saved;  ///< one that several operations keep is there several times
};
GraphStats graph_stats(const Tensor& y);

}  // namespace tweed
