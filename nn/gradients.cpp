#include "nn/gradients.h"

#include <cmath>

namespace tweed {

static double largest_of(const std::vector<double>& values) {
  double largest = 0;
  for (double v : values) {
    if (std::isnan(v)) return v;
    largest = std::max(largest, std::abs(v));
  }
  return largest;
}

std::vector<Magnitude> gradient_magnitudes(const Module& network) {
  std::vector<Magnitude> result;
  for (auto& [name, parameter] : network.parameters()) {
    const Tensor g = requires_grad(parameter) ? grad(parameter) : Tensor();
    result.push_back({name, g.defined() ? largest_of(g.to_doubles()) : 0});
  }
  return result;
}

}  // namespace tweed
