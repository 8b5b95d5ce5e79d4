// What the graph behind tensors is made of; for graph.cpp, and for those who look at graphs.
#pragma once
#include <functional>
#include <memory>
#include <unordered_set>
#include <vector>

#include "autograd/graph.h"
#include "autograd/non_finite.h"

namespace tweed {

// A tensor's place in the graph: a leaf with its gradient, or an operation's result. Inputs were
// always made before it, so descending ids are a topological order.
struct Node : Attachment {
  const char* op = "leaf";
  const void* module = OfModule::current();
  uint64_t id = 0;
  std::vector<std::shared_ptr<Node>> inputs;  // null where no gradient flows
  Saved saved;
  BackwardFunction backward;
  bool leaf = false, freed = false;
  Shape shape;
  Tensor grad;  // leaves only
  std::vector<std::function<Tensor(const Tensor&)>> hooks;

  // Frees long chains in a loop: recursion would overflow the stack.
  ~Node() override {
    std::vector<std::shared_ptr<Node>> doomed = std::move(inputs);
    while (!doomed.empty()) {
      auto node = std::move(doomed.back());
      doomed.pop_back();
      if (!node || node.use_count() > 1) continue;
      for (auto& input : node->inputs) doomed.push_back(std::move(input));
      node->inputs.clear();
    }
  }
};
using NodePtr = std::shared_ptr<Node>;

inline NodePtr node_of(const Tensor& t) {
  return t.defined() ? std::static_pointer_cast<Node>(t.attachment()) : nullptr;
}

// Visits everything that can be reached from `root`, each node once.
template <class F>
void visit(const NodePtr& root, F f) {
  std::vector<Node*> open{root.get()};
  std::unordered_set<Node*> seen{root.get()};
  while (!open.empty()) {
    Node* node = open.back();
    open.pop_back();
    f(*node);
    for (auto& input : node->inputs)
      if (input && seen.insert(input.get()).second) open.push_back(input.get());
  }
}

}  // namespace tweed
