// Softmax and cross-entropy, forward and backward.
#include "cross_entropy.h"

#include <algorithm>
#include <cmath>

namespace tweed::exercise {

float cross_entropy(const std::vector<float>& logits, const std::vector<int32_t>& labels,
                    int classes, std::vector<float>& gradient) {
  const std::size_t n = labels.size(), columns = std::size_t(classes);
  double loss = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const float* x = &logits[i * columns];
    float* dx = &gradient[i * columns];
    const float largest = *std::max_element(x, x + columns);
    double sum = 0;
    for (std::size_t k = 0; k < columns; ++k) sum += std::exp(double(x[k]) - double(largest));
    const auto label = std::size_t(labels[i]);
    loss += std::log(sum) + double(largest) - double(x[label]);
    for (std::size_t k = 0; k < columns; ++k) {
      const double p = std::exp(double(x[k]) - double(largest)) / sum;
      dx[k] = float((p - (k == label)) / double(n));
    }
  }
  return float(loss / double(n));
}

}  // namespace tweed::exercise
