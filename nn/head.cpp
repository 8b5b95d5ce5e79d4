#include "nn/head.h"

#include "autograd/graph.h"
#include "nn/layers.h"

namespace tweed {

std::string head_name(const Module& network) {
  const auto parameters = network.parameters();
  if (parameters.empty()) throw Error("the network has no parameters, and so no last layer");
  const std::string& last = parameters.back().name;
  const std::size_t dot = last.rfind('.');
  return dot == last.npos ? "" : last.substr(0, dot);
}

void freeze_body(Module& network) {
  const std::string head = head_name(network) + ".";
  for (auto& [name, t] : network.parameters())
    if (!name.starts_with(head)) stop_grad(t);
  for (auto& [name, module] : network.modules())
    if (auto* norm = dynamic_cast<BatchNorm2d*>(module)) norm->freeze();
}

}  // namespace tweed
