// Looking into a network while it works: outputs and gradients by name.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nn/module.h"

namespace tweed {

/// Keeps the last output of some modules and the gradient that reached it: feature maps, Grad-CAM,
/// vanishing gradients.
///
///   Watch watch(network, "conv*");
///   backward(cross_entropy(network(x), labels));
///   watch.output("conv1"), watch.gradient("conv1")     // (N, H, W, C) both
///
/// Refers to the network, which must outlive it. What it keeps is detached from the graph.
class Watch {
 public:
  /// @param pattern  of the modules' dotted names; see matches()
  /// @throws Error  if no name fits
  Watch(Module& network, const std::string& pattern);

  /// The names that fit, in order of the network.
  const std::vector<std::string>& names() const { return names_; }
  /// @throws Error  if there is none under that name, or none yet
  Tensor output(const std::string& name) const;
  Tensor gradient(const std::string& name) const;

 private:
  struct Seen {
    Tensor output, gradient;
  };
  const Seen& seen(const std::string& name) const;

  std::vector<std::string> names_;
  std::map<std::string, std::shared_ptr<Seen>> seen_;  // graphs may outlive the watch
  std::vector<ScopedHook> hooks_;
};

}  // namespace tweed
