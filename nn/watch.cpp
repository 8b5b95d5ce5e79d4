#include "nn/watch.h"

#include "nn/freeze.h"

namespace tweed {

Watch::Watch(Module& network, const std::string& pattern) {
  for (auto& [name, module] : network.modules()) {
    if (!matches(name, pattern)) continue;
    auto seen = std::make_shared<Seen>();
    hooks_.emplace_back(*module, module->on_output([seen](const Tensor& y) {
      *seen = {y.detach(), Tensor()};
      return Tensor();
    }));
    hooks_.emplace_back(*module, module->on_output_gradient([seen](const Tensor& dy) {
      seen->gradient = dy.detach();
      return Tensor();
    }));
    names_.push_back(name);
    seen_[name] = seen;
  }
  if (names_.empty()) throw Error("no module's name fits " + in_quotes(pattern));
}

const Watch::Seen& Watch::seen(const std::string& name) const {
  auto found = seen_.find(name);
  if (found == seen_.end()) throw Error("the module " + in_quotes(name) + " is not watched");
  return *found->second;
}
Tensor Watch::output(const std::string& name) const {
  if (!seen(name).output.defined()) throw Error(in_quotes(name) + " has had no output yet");
  return seen(name).output;
}
Tensor Watch::gradient(const std::string& name) const {
  if (!seen(name).gradient.defined())
    throw Error("no gradient has reached " + in_quotes(name) + " yet");
  return seen(name).gradient;
}

}  // namespace tweed
