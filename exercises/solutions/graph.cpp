// The walk back through a graph.
#include "graph.h"

#include <iterator>
#include <map>

namespace tweed::exercise {

void walk_back(Node& result) {
  result.gradient = 1;
  std::map<int64_t, Node*> waiting{{result.number, &result}};
  while (!waiting.empty()) {
    const auto newest = std::prev(waiting.end());
    Node& node = *newest->second;
    waiting.erase(newest);
    if (node.inputs.empty()) continue;
    const std::vector<double> gradients = node.backward(node.gradient);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      node.inputs[i]->gradient += gradients[i];
      waiting[node.inputs[i]->number] = node.inputs[i];
    }
  }
}

}  // namespace tweed::exercise
