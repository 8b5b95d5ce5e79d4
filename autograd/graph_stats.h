// What a graph is made of.
#pragma once
#include <cstddef>
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

/// A recorded operation, or a leaf, which has no inputs.
struct GraphNode {
  std::string operation;    ///< "conv2d"; "leaf"
  Shape shape;              ///< of its result
  const void* attachment;   ///< of its result, while that lives: t.attachment().get()
  const void* module;       ///< whose forward() it was called in, or null
  int64_t saved_bytes = 0;  ///< that it keeps for its backward pass
  std::vector<std::size_t>
      inputs;  ///< places in the list; those to which no gradient flows are not there
  bool leaf = false;
};
/// All that can be reached from y, in the order in which it was computed, leaves first: the last is
/// that of y. Empty if y was not recorded.
std::vector<GraphNode> graph_nodes(const Tensor& y);

}  // namespace tweed
