// Numbers that are no longer finite while a network computes.
#pragma once
#include <functional>

#include "nn/module.h"

namespace tweed {

/// The loss or the weights are NaN or infinite: training cannot go on from them.
struct Diverged : Error {
  using Error::Error;
};

/// Calls f and looks at every result and gradient that it records on this thread.
/// @throws Diverged  at the first NaN or infinity: "[exp] gives infinity in its forward pass, of
///                   shape (4, 8), in layer layer1.0 (...)"
void watched(Module& network, const std::function<void()>& f);

}  // namespace tweed
