#include "attacks/self_test.h"

#include <cmath>
#include <cstdio>

#include "autograd/loss.h"
#include "nn/eval_mode.h"

namespace tweed {
namespace {

double top1(Module& network, const Tensor& x, const Tensor& labels) {
  NoGrad no_grad;
  auto ranks = target_ranks(network(x), labels).to_vector<int32_t>();
  int64_t right = 0;
  for (int32_t r : ranks) right += r == 0;
  return 100.0 * double(right) / double(std::max<std::size_t>(1, ranks.size()));
}

template <class... Number>
std::string text(const char* format, Number... values) {
  char out[200];
  std::snprintf(out, sizeof out, format, values...);
  return out;
}

}  // namespace

SelfTest self_test(Module& network, const Tensor& x, const Tensor& labels,
                   const PgdOptions& options, const Attack& attack) {
  EvalMode eval(network);
  SelfTest test;
  PgdResult result = attack(network, x, labels, options, 0);
  PgdOptions more = options;
  more.steps = 4 * options.steps;
  test.clean = top1(network, x, labels);
  test.attacked = top1(network, result.images, labels);
  test.longer = top1(network, attack(network, x, labels, more, 0).images, labels);
  test.noise = top1(network, random_noise(x, options.space, options.seed), labels);

  double before = result.losses.front().item(), after = result.losses.back().item();
  bool up = options.goal == AttackGoal::raise_label;
  if (!(up ? after > before : after < before))
    test.failures.push_back(
        text(up ? "the attack should raise the loss of the label, but it went from %.4f to %.4f"
                : "the attack should lower the loss of its target, but it went from %.4f to %.4f",
             before, after));
  if (double excess = outside(result.images, x, options.space); excess > 0)
    test.failures.push_back(
        text("attacked pixels lie outside the allowed box, by up to %.3g", excess));

  // Two standard errors of a proportion.
  double n = double(std::max<int64_t>(1, x.dim(0))), p = test.attacked / 100;
  double noise_of_count = 200 * std::sqrt(std::max(p * (1 - p), 1 / n) / n);
  if (test.longer > test.attacked + noise_of_count)
    test.warnings.push_back(
        text("four times the steps help the network: top-1 %.1f %%, not %.1f %%", test.longer,
             test.attacked));
  if (test.clean - test.noise > 0.5 * (test.clean - test.attacked) || test.attacked >= test.clean)
    test.warnings.push_back(
        text("random noise of the same size does as much: top-1 %.1f %%, attacked %.1f %%",
             test.noise, test.attacked));
  return test;
}

}  // namespace tweed
