#include "autograd/graph_stats.h"

#include <algorithm>
#include <unordered_map>

#include "autograd/node.h"

namespace tweed {

GraphStats graph_stats(const Tensor& y) {
  GraphStats stats;
  if (NodePtr root = node_of(y))
    visit(root, [&](Node& node) {
      stats.operations += !node.leaf;
      if (!node.leaf) stats.names.insert(node.op);
      for (auto& t : node.saved.all())
        if (t.defined()) stats.saved_bytes += t.bytes(), stats.saved.push_back({node.op, t});
    });
  return stats;
}

std::vector<GraphNode> graph_nodes(const Tensor& y) {
  std::vector<Node*> all;
  if (NodePtr root = node_of(y)) visit(root, [&](Node& node) { all.push_back(&node); });
  std::sort(all.begin(), all.end(), [](const Node* a, const Node* b) {
    return a->leaf != b->leaf ? a->leaf : a->id < b->id;
  });
  std::unordered_map<const Node*, std::size_t> place;
  std::vector<GraphNode> nodes;
  for (Node* node : all) {
    place[node] = nodes.size();
    GraphNode n{node->op, node->shape, node, node->module, 0, {}, node->leaf};
    for (auto& t : node->saved.all()) n.saved_bytes += t.defined() ? t.bytes() : 0;
    for (auto& input : node->inputs)
      if (input) n.inputs.push_back(place.at(input.get()));
    nodes.push_back(n);
  }
  return nodes;
}

}  // namespace tweed
