#include "attacks/self_test.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "attacks/examine.h"
#include "autograd/loss.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed {
namespace {

// The most images that go through the network at once.
constexpr int64_t batch_size = 100;

// Sums over images, but for `excess`.
struct Totals {
  double clean = 0, attacked = 0, longer = 0, noise = 0, before = 0, after = 0, excess = 0;
  double changed = 0;  // images
  std::vector<double> sizes;
};

// Examines one batch. False if it was cancelled.
bool examine(Totals& totals, Module& network, const Tensor& x, const Tensor& labels,
             const PgdOptions& options, const PgdFunction& attack, uint32_t batch,
             const Expected& expected) {
  PgdOptions more = options;
  more.steps = 4 * options.steps;
  const PgdResult result = attack(network, x, labels, options, batch);
  if (options.is_cancelled()) return false;
  const Tensor longer = attack(network, x, labels, more, batch).images;
  if (options.is_cancelled()) return false;
  const auto sizes = change_sizes(result.images, x, options.space, options.space.norm);
  const Tensor noise = expected.bounded
                           ? random_noise(x, options.space, options.seed, batch)
                           : noise_of_sizes(x, sizes, options.space, options.seed, batch);
  totals.clean += right_answers(network, x, labels);
  totals.attacked += right_answers(network, result.images, labels);
  totals.longer += right_answers(network, longer, labels);
  totals.noise += right_answers(network, noise, labels);
  totals.before += result.losses.front().item() * double(x.dim(0));
  totals.after += result.losses.back().item() * double(x.dim(0));
  totals.excess = std::max(
      totals.excess,
      outside(result.images, x, expected.bounded ? options.space : without_eps(options.space)));
  totals.sizes.insert(totals.sizes.end(), sizes.begin(), sizes.end());
  totals.changed +=
      double(std::count_if(sizes.begin(), sizes.end(), [](double s) { return s > 0; }));
  return true;
}

template <class... Number>
std::string text(const char* format, Number... values) {
  char out[200];
  std::snprintf(out, sizeof out, format, values...);
  return out;
}

void check_loss(SelfTest& test, AttackGoal goal, const Totals& totals, double n) {
  const double before = totals.before / n, after = totals.after / n;
  if (!test.had_room && before == after) return;
  if (totals.changed == 0 && test.had_room) {
    test.failures.push_back("the attack changed no image");
    return;
  }
  const bool up = raises(goal);
  if (up ? after > before : after < before) return;
  test.failures.push_back(
      text(up ? "the attack should raise the loss of the label, but it went from %.4f to %.4f"
              : "the attack should lower the loss of its target, but it went from %.4f to %.4f",
           before, after));
}

void check_sizes(SelfTest& test, const PgdOptions& options, const Totals& totals,
                 const Expected& expected) {
  if (totals.sizes.empty()) return;
  test.largest_size = *std::max_element(totals.sizes.begin(), totals.sizes.end());
  test.mean_size =
      std::accumulate(totals.sizes.begin(), totals.sizes.end(), 0.) / double(totals.sizes.size());
  if (totals.excess > 0)
    test.failures.push_back(
        text("attacked pixels lie outside the allowed box, by up to %.3g", totals.excess));
  const AttackSpace& space = options.space;
  const bool reaches = options.steps * space.stride >= 1.5 * space.radius;
  if (expected.fills && test.had_room && totals.changed > 0 && reaches &&
      test.largest_size < 0.9 * space.radius)
    test.failures.push_back(
        text("the changes reach only %.0f %% of eps: are they in the wrong space?",
             100 * test.largest_size / space.radius));
}

// Two standard errors of a proportion p of n.
double noise_of_count(double percent, double n) {
  const double p = percent / 100;
  return 200 * std::sqrt(std::max(p * (1 - p), 1 / n) / n);
}

void warn(SelfTest& test, double n, const Expected& expected) {
  if (test.longer > test.attacked + noise_of_count(test.attacked, n))
    test.warnings.push_back(
        text("four times the steps help the network: top-1 %.1f %%, not %.1f %%", test.longer,
             test.attacked));
  if (test.clean - test.noise > 0.5 * (test.clean - test.attacked) || test.attacked >= test.clean)
    test.warnings.push_back(
        text("random noise of the same size does as much: top-1 %.1f %%, attacked %.1f %%",
             test.noise, test.attacked));
  if (expected.gradient && test.zero_gradients > 50)
    test.warnings.push_back(
        text("%.1f %% of the gradient is 0: the network hides it", test.zero_gradients));
}

// What is looked at on a first batch alone.
void look_closer(SelfTest& test, Module& network, const Tensor& x, const Tensor& labels,
                 const PgdOptions& options, const PgdFunction& attack, const Expected& expected) {
  const Closer closer{network, x, labels, options, attack};
  test.zero_gradients = closer.zero_gradients();
  if (!expected.gradient || !expected.bounded || !raises(options.goal)) return;
  const auto n = double(x.dim(0));
  // L1's steps touch a few values alone, of steep slopes whose signs seldom turn.
  const bool follows = expected.fills && options.steps > 1 && options.space.norm != Norm::l1;
  if (follows && closer.is_frozen())
    test.failures.push_back(
        "all steps followed the gradient of the images themselves: it is frozen");
  const double attacked = closer.attacked();
  if (options.space.norm != Norm::l1) {
    test.black_box = closer.black_box();
    if (test.black_box < attacked - noise_of_count(attacked, n))
      test.warnings.push_back(
          text("masked gradients are likely: Square, which has none, leaves %.1f %%, this attack "
               "%.1f %%",
               test.black_box, attacked));
  }
  test.unbounded = closer.unbounded();
  if (test.unbounded > std::max(5., noise_of_count(0, n)))
    test.warnings.push_back(
        text("masked gradients are likely: with the largest eps that there is %.1f %% stay right",
             test.unbounded));
}

}  // namespace

SelfTest self_test(Module& network, const Tensor& x, const Tensor& labels,
                   const PgdOptions& options, const PgdFunction& attack, const Expected& expected) {
  EvalMode eval(network);
  SelfTest test;
  Totals totals;
  for (int64_t first = 0; first < x.dim(0); first += batch_size) {
    const int64_t last = std::min(x.dim(0), first + batch_size);
    if (!examine(totals, network, x.slice(first, last), labels.slice(first, last), options, attack,
                 uint32_t(first / batch_size), expected))
      return test;
  }
  const double n = double(std::max<int64_t>(1, x.dim(0)));
  test.clean = 100 * totals.clean / n;
  test.attacked = 100 * totals.attacked / n;
  test.longer = 100 * totals.longer / n;
  test.noise = 100 * totals.noise / n;
  test.had_room = !expected.bounded || leaves_room(x, options.space);
  check_loss(test, options.goal, totals, n);
  check_sizes(test, options, totals, expected);
  if (!test.had_room) return test;
  const int64_t some = std::min<int64_t>(x.dim(0), batch_size);
  look_closer(test, network, x.slice(0, some), labels.slice(0, some), options, attack, expected);
  warn(test, n, expected);
  return test;
}

PgdFunction examinable(const std::string& name) {
  return [name](Module& network, const Tensor& x, const Tensor& labels, const PgdOptions& options,
                uint32_t batch) {
    const RandomStep before = network.random_step();
    network.set_random_step({.seed = before.seed, .step = batch});
    PgdResult result;
    result.images = attack_called(name)(options, x.device())(network, x, labels);
    result.labels = labels_to_move(network, x, labels, options, network.random_step());
    network.set_random_step(before);
    const NoGrad no_grad;
    const EvalMode eval(network);
    for (const Tensor& images : {x, result.images})
      result.losses.push_back(cross_entropy(forward_float(network, images), result.labels));
    return result;
  };
}

Expected expected_of(const std::string& name) {
  const AttackKind& kind = attack_kind(name);
  Expected expected;
  expected.bounded = kind.bounded;
  expected.fills = kind.draws;
  expected.gradient = name != "square";
  return expected;
}

}  // namespace tweed
