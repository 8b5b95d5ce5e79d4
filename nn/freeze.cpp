#include "nn/freeze.h"

#include <fnmatch.h>

namespace tweed {

bool matches(const std::string& name, const std::string& pattern) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

static int set_trained(const Module& network, const std::string& pattern, bool trained) {
  int count = 0;
  for (auto& [name, t] : network.parameters()) {
    if (!matches(name, pattern)) continue;
    if (trained)
      require_grad(t);
    else
      stop_grad(t);
    ++count;
  }
  if (count == 0) {
    const auto parameters = network.parameters();
    throw Error("no parameter's name fits " + in_quotes(pattern) + "; " +
                (parameters.empty() ? "the network has none"
                                    : "names are like " + printable(parameters[0].name)));
  }
  return count;
}

int freeze(const Module& network, const std::string& pattern) {
  return set_trained(network, pattern, false);
}
int unfreeze(const Module& network, const std::string& pattern) {
  return set_trained(network, pattern, true);
}

}  // namespace tweed
