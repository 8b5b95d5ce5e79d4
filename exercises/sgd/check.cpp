#include "exercises/sheet.h"
#include "optim/sgd.h"
#include "sgd.h"

namespace tweed::exercise {
namespace {

// Five steps down a bowl, whose gradient is w times 1, 2, 3, ...
void five_steps(const SgdOptions& options) {
  const std::size_t n = 7;
  std::vector<float> w = numbers(n, 4), velocity(n, 0.f), gradient(n);
  const Tensor tensor = Tensor::from(w, {int64_t(n)});
  require_grad(tensor);
  ParameterBuffer parameters({{"w", tensor}});
  SGD tweed(parameters, {.lr = double(options.lr),
                         .momentum = double(options.momentum),
                         .weight_decay = double(options.weight_decay)});
  for (int step = 0; step < 5; ++step) {
    for (std::size_t i = 0; i < n; ++i) gradient[i] = float(i + 1) * w[i];
    parameters.zero_grad();
    grad(tensor).copy_from(Tensor::from(gradient, {int64_t(n)}));
    tweed.step();
    sgd_step(options, w, gradient, velocity);
    expect_equal("w after step " + std::to_string(step + 1), w, tensor.to_doubles(), 1e-5);
  }
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("plain descent: momentum 0", 3, [] { five_steps({.lr = 0.05f, .momentum = 0}); });
  sheet.part("momentum 0.9", 4, [] { five_steps({.lr = 0.05f}); });
  sheet.part("weight decay 0.1, which goes through the momentum, too", 3,
             [] { five_steps({.lr = 0.05f, .weight_decay = 0.1f}); });
}

}  // namespace tweed::exercise
