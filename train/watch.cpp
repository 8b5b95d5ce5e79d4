#include "train/watch.h"

#include "autograd/non_finite.h"
#include "train/step.h"

namespace tweed {

// ", in layer layer1.0.conv1 (Conv2d(64, 64, kernel 3))"; nothing for what is outside of all.
static std::string layer_text(Module& network, const void* module) {
  for (auto& [name, m] : network.modules())
    if (m == module && !name.empty()) return ", in layer " + name + " (" + m->description() + ")";
  return "";
}

void watched(Module& network, const std::function<void()>& f) {
  try {
    const FindNonFinite looking;
    f();
  } catch (const NonFinite& e) {
    throw Diverged(e.what() + layer_text(network, e.module));
  }
}

// What an update has spoilt is told by the parameter, not by the layer that is given it later.
void Step::watched_step() {
  auto check_parameters = [&](const char* when) {
    for (auto& [name, t] : network_.parameters())
      if (const std::string what = non_finite(t); !what.empty())
        throw Diverged(name + " has " + what + " " + when);
  };
  check_parameters("before the step");
  watched(network_, [this] { device_step(); });
  check_parameters("after the optimizer's step");
}

}  // namespace tweed
