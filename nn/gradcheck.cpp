#include "nn/gradcheck.h"

#include <cmath>
#include <numeric>

#include "kernels/philox.h"
#include "nn/kept_buffers.h"

namespace tweed {
namespace {

// Some of the numbers from 0 to n - 1, in no order; all of them where there are no more.
std::vector<int64_t> chosen_elements(int64_t n, int64_t count, Random& random) {
  std::vector<int64_t> all(std::size_t(n), 0);
  std::iota(all.begin(), all.end(), int64_t(0));
  if (n <= count) return all;
  for (int64_t i = 0; i < count; ++i) {
    const auto other = i + int64_t(random.below(uint32_t(n - i)));
    std::swap(all[std::size_t(i)], all[std::size_t(other)]);
  }
  all.resize(std::size_t(count));
  return all;
}

class NetworkCheck {
 public:
  NetworkCheck(Module& network, const Tensor& x, const NetworkGradcheckOptions& options)
      : network_(network), x_(x), options_(options), random_(options.seed, Purpose::test) {}

  GradcheckResult run() {
    std::vector<Named> leaves{{"x", require_grad(x_)}};
    for (auto& p : network_.parameters())
      if (requires_grad(p.tensor)) leaves.push_back(p);
    std::vector<Tensor> tensors;
    for (auto& [name, t] : leaves) {
      if (t.dtype() != DType::float64)
        fail("gradcheck", name, " is ", t.dtype(), ", not float64: see Module::to()");
      tensors.push_back(t);
    }
    const Tensor y = network_(x_);
    for (int64_t i = 0; i < y.size(); ++i) cotangent_.push_back(random_.uniform(-1.f, 1.f));
    const auto gradients =
        grad_of(y, tensors, false, Tensor::from(cotangent_, y.shape(), y.device()));
    const NoGrad no_grad;
    for (std::size_t i = 0; i < leaves.size(); ++i) check(leaves[i], gradients[i]);
    return result_;
  }

 private:
  void check(const Named& leaf, const Tensor& gradient) {
    const Tensor& t = leaf.tensor;
    const auto values = t.to_vector<double>();
    const auto given =
        gradient.defined() ? gradient.to_vector<double>() : std::vector<double>(values.size());
    for (int64_t i : chosen_elements(t.size(), options_.elements, random_)) {
      const auto along = [&](double step) {
        auto moved = values;
        moved[std::size_t(i)] += step;
        t.copy_from(Tensor::from(moved, t.shape()));
        const auto y = network_(x_).to_doubles();
        return std::inner_product(y.begin(), y.end(), cotangent_.begin(), 0.);
      };
      const double up = along(options_.eps), down = along(-options_.eps);
      compare(leaf.name, i, given[std::size_t(i)], (up - down) / (2 * options_.eps));
    }
    t.copy_from(Tensor::from(values, t.shape()));
  }
  void compare(const std::string& name, int64_t element, double given, double numeric) {
    const double error = std::abs(given - numeric);
    if (!(error <= options_.atol + options_.rtol * std::abs(numeric))) result_.ok = false;
    if (error <= result_.worst) return;
    result_.worst = error;
    result_.message = name + ", element " + std::to_string(element) + ": analytic " +
                      std::to_string(given) + ", numeric " + std::to_string(numeric);
  }

  Module& network_;
  Tensor x_;
  NetworkGradcheckOptions options_;
  Random random_;
  std::vector<double> cotangent_;
  GradcheckResult result_;
};

}  // namespace

GradcheckResult gradcheck_network(Module& network, const Tensor& x,
                                  const NetworkGradcheckOptions& options) {
  const KeptBuffers kept(network);
  return NetworkCheck(network, x.clone(), options).run();
}

}  // namespace tweed
