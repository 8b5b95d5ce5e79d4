#pragma once
#include "nn/module.h"

namespace tweed::exercise {

/// The network of README.md: (N, H, W, 3) to (N, classes).
ModulePtr make_network(int64_t classes);

}  // namespace tweed::exercise
