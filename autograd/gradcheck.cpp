#include "autograd/gradcheck.h"

#include <cmath>

#include "kernels/philox.h"

namespace tweed {
namespace {

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

std::vector<Tensor> copies(const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  std::vector<Tensor> result;
  for (auto& input : inputs) {
    if (input.dtype() != DType::float64)
      fail("gradcheck", "needs float64 inputs, not ", input.dtype());
    auto values = input.to_vector<double>();
    for (double& v : values)
      if (options.near_kink && options.near_kink(v)) v += 10 * options.eps;
    result.push_back(Tensor::from(values, input.shape(), input.device()));
  }
  return result;
}

}  // namespace

GradcheckResult gradcheck(const Function& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options) {
  std::vector<Tensor> leaves = copies(inputs, options);
  for (auto& leaf : leaves) require_grad(leaf);

  Tensor y = f(leaves);
  Random random(options.seed, Purpose::test);
  std::vector<double> cotangent;
  for (int64_t i = 0; i < y.size(); ++i) cotangent.push_back(random.uniform(-1.f, 1.f));
  auto analytic = grad_of(y, leaves, false, Tensor::from(cotangent, y.shape(), y.device()));

  NoGrad no_grad;
  GradcheckResult result;
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    auto given = analytic[k].defined() ? analytic[k].to_vector<double>()
                                       : std::vector<double>(std::size_t(leaves[k].size()), 0.0);
    const auto values = leaves[k].to_vector<double>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      auto along = [&](double x) {
        auto moved = values;
        moved[i] = x;
        std::vector<Tensor> at = leaves;
        at[k] = Tensor::from(moved, leaves[k].shape(), leaves[k].device());
        return dot(f(at).to_doubles(), cotangent);
      };
      double numeric =
          (along(values[i] + options.eps) - along(values[i] - options.eps)) / (2 * options.eps);
      double error = std::abs(given[i] - numeric);
      if (!(error <= options.atol + options.rtol * std::abs(numeric))) result.ok = false;
      if (!(error <= result.worst)) {
        result.worst = error;
        result.message = "input " + std::to_string(k) + ", element " + std::to_string(i) +
                         ": analytic " + std::to_string(given[i]) + ", numeric " +
                         std::to_string(numeric);
      }
    }
  }
  return result;
}

}  // namespace tweed
