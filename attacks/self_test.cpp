#include "attacks/self_test.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "autograd/loss.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed {
namespace {

// The most images that go through the network at once.
constexpr int64_t batch_size = 100;

double right_answers(Module& network, const Tensor& x, const Tensor& labels) {
  NoGrad no_grad;
  auto ranks = target_ranks(forward_float(network, x), labels).to_vector<int32_t>();
  return double(std::count(ranks.begin(), ranks.end(), 0));
}

// Sums over images, but for `excess`.
struct Totals {
  double clean = 0, attacked = 0, longer = 0, noise = 0, before = 0, after = 0, excess = 0;
};

// Examines one batch. False if it was cancelled.
bool examine(Totals& totals, Module& network, const Tensor& x, const Tensor& labels,
             const PgdOptions& options, const PgdFunction& attack, uint32_t batch) {
  PgdOptions more = options;
  more.steps = 4 * options.steps;
  const PgdResult result = attack(network, x, labels, options, batch);
  if (options.is_cancelled()) return false;
  const Tensor longer = attack(network, x, labels, more, batch).images;
  if (options.is_cancelled()) return false;
  totals.clean += right_answers(network, x, labels);
  totals.attacked += right_answers(network, result.images, labels);
  totals.longer += right_answers(network, longer, labels);
  totals.noise +=
      right_answers(network, random_noise(x, options.space, options.seed, batch), labels);
  totals.before += result.losses.front().item() * double(x.dim(0));
  totals.after += result.losses.back().item() * double(x.dim(0));
  totals.excess = std::max(totals.excess, outside(result.images, x, options.space));
  return true;
}

template <class... Number>
std::string text(const char* format, Number... values) {
  char out[200];
  std::snprintf(out, sizeof out, format, values...);
  return out;
}

void check_loss(SelfTest& test, AttackGoal goal, double before, double after) {
  if (!test.had_room && before == after) return;
  const bool up = goal == AttackGoal::raise_label;
  if (up ? after > before : after < before) return;
  test.failures.push_back(
      text(up ? "the attack should raise the loss of the label, but it went from %.4f to %.4f"
              : "the attack should lower the loss of its target, but it went from %.4f to %.4f",
           before, after));
}

void warn(SelfTest& test, double n) {
  // Two standard errors of a proportion.
  const double p = test.attacked / 100;
  const double noise_of_count = 200 * std::sqrt(std::max(p * (1 - p), 1 / n) / n);
  if (test.longer > test.attacked + noise_of_count)
    test.warnings.push_back(
        text("four times the steps help the network: top-1 %.1f %%, not %.1f %%", test.longer,
             test.attacked));
  if (test.clean - test.noise > 0.5 * (test.clean - test.attacked) || test.attacked >= test.clean)
    test.warnings.push_back(
        text("random noise of the same size does as much: top-1 %.1f %%, attacked %.1f %%",
             test.noise, test.attacked));
}

}  // namespace

SelfTest self_test(Module& network, const Tensor& x, const Tensor& labels,
                   const PgdOptions& options, const PgdFunction& attack) {
  EvalMode eval(network);
  SelfTest test;
  Totals totals;
  for (int64_t first = 0; first < x.dim(0); first += batch_size) {
    const int64_t last = std::min(x.dim(0), first + batch_size);
    if (!examine(totals, network, x.slice(first, last), labels.slice(first, last), options, attack,
                 uint32_t(first / batch_size)))
      return test;
  }
  const double n = double(std::max<int64_t>(1, x.dim(0)));
  test.clean = 100 * totals.clean / n;
  test.attacked = 100 * totals.attacked / n;
  test.longer = 100 * totals.longer / n;
  test.noise = 100 * totals.noise / n;
  test.had_room = leaves_room(x, options.space);
  check_loss(test, options.goal, totals.before / n, totals.after / n);
  if (totals.excess > 0)
    test.failures.push_back(
        text("attacked pixels lie outside the allowed box, by up to %.3g", totals.excess));
  if (test.had_room) warn(test, n);
  return test;
}

}  // namespace tweed
