#include "autograd/argmax.h"

#include <cmath>

#include "autograd/graph.h"

namespace tweed {

// sign 1 for the largest, -1 for the smallest.
static Tensor best_index(const char* op, const Tensor& x, double sign) {
  if (x.ndim() < 1 || x.dim(-1) < 1) fail(op, "x is ", x.shape());
  auto values = x.to_doubles();
  std::size_t classes = std::size_t(x.dim(-1));
  std::vector<int32_t> result;
  for (std::size_t row = 0; row < values.size(); row += classes) {
    std::size_t best = 0;
    for (std::size_t c = 1; c < classes && !std::isnan(values[row + best]); ++c)
      if (std::isnan(values[row + c]) || sign * values[row + c] > sign * values[row + best]) best = c;
    result.push_back(int32_t(best));
  }
  return Tensor::from(result, x.shape().part(0, x.ndim() - 1), x.device());
}

Tensor argmax(const Tensor& x) { return best_index("argmax", x, 1); }
Tensor argmin(const Tensor& x) { return best_index("argmin", x, -1); }

}  // namespace tweed
