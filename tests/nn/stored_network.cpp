#include "tests/nn/stored_network.h"

#include <cmath>

#include "record/checkpoint.h"
#include "tests/ops/formula.h"

namespace tweed {

void fill_by_formula(Module& network) {
  uint32_t salt = 0;
  for (auto& [name, t] : network.parameters()) {
    const Tensor in_file = to_file_axes(t);
    const bool weight = name.ends_with("weight");
    const double fan_in = double(t.size() / t.dim(0));
    std::vector<float> values;
    values.reserve(std::size_t(t.size()));
    for (int64_t i = 0; i < t.size(); ++i) {
      const double u = formula(uint32_t(i), salt);
      values.push_back(
          float(weight && t.ndim() > 1 ? u * std::sqrt(6.0 / fan_in) : u * 0.2 + weight));
    }
    t.copy_from(from_file_axes(Tensor::from(values, in_file.shape())));
    ++salt;
  }
}

std::vector<double> projections(const Tensor& gradient, uint32_t number, int64_t count,
                                int64_t stride) {
  const auto g = gradient.to_doubles();
  std::vector<double> result;
  for (uint32_t k = 0; k < uint32_t(count); ++k) {
    double sum = 0;
    const uint32_t salt = 1'000'000 + number * uint32_t(count) + k;
    uint32_t place = 0;
    for (std::size_t i = 0; i < g.size(); i += std::size_t(stride))
      sum += g[i] * formula(place++, salt);
    result.push_back(sum);
  }
  return result;
}

}  // namespace tweed
