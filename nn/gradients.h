// What training does to a network's gradients, in numbers.
#pragma once
#include "nn/module.h"

namespace tweed {

struct Magnitude {
  std::string name;  ///< of a parameter, "conv1.weight"
  double value = 0;
};

/// max |dL/dw| over each parameter, after backward(); 0 where no gradient has come, NaN where one
/// is NaN. Shows where in a deep network gradients vanish or explode.
std::vector<Magnitude> gradient_magnitudes(const Module& network);

}  // namespace tweed
