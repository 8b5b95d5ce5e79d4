// Faults planted in attacks and networks, which the self-test has to catch.
#include "attacks/self_test.h"

#include "autograd/elementwise.h"
#include "tests/attacks/stored.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;
using namespace tweed::stored;

namespace {

PgdOptions usual() {
  return {.space = pixel_space(8 / 255., 2 / 255., means, deviation), .steps = 10};
}
bool says(const std::vector<std::string>& texts, const std::string& what) {
  for (auto& text : texts)
    if (text.find(what) != std::string::npos) return true;
  return false;
}

// The stored network with its logits times a number: where that is large the softmax is 0 and 1 in
// float32, and the cross-entropy has no gradient.
class Masked : public Module {
 public:
  Masked(Module& network, double factor) : network_(network), factor_(factor) {}
  Tensor forward(const Tensor& x) override { return network_(x) * factor_; }
  std::string description() const override { return "Masked"; }

 private:
  Module& network_;
  double factor_;
};

}  // namespace

TEST_CASE("A right attack passes, and what it measured is plausible") {
  Stored stored{Device()};
  for (Norm norm : {Norm::linf, Norm::l2, Norm::l1}) {
    INFO(name_of(norm));
    PgdOptions options = usual();
    const double eps = norm == Norm::linf ? 8 / 255. : norm == Norm::l2 ? 0.4 : 2;
    options.space = pixel_space(eps, eps / 4, means, deviation, norm);
    const SelfTest test = self_test(stored.network, stored.x, stored.labels, options);
    for (auto& text : test.failures) UNSCOPED_INFO(text);
    CHECK(test.failures.empty());
    CHECK(!says(test.warnings, "masked"));
    CHECK(test.attacked < 50);
    CHECK(test.noise > 80);
    CHECK(test.unbounded == 0);
    CHECK((test.black_box >= 0) == (norm != Norm::l1));
    CHECK(test.largest_size == Approx(eps).epsilon(1e-4));
  }
}

TEST_CASE("Every attack passes its self-test") {
  for (auto& name : attack_names()) {
    INFO(name);
    Stored stored(Device(),
                  name.starts_with("fab") || name == "autoattack" || name == "apgd-t" ? 4 : 10);
    PgdOptions options = usual();
    if (attack_kind(name).norms == "L2")
      options.space = pixel_space(0.5, 0.1, means, deviation, Norm::l2);
    options.space = with_step(options.space, options.space.radius * attack_kind(name).stride);
    options = settled(name, options);
    if (name == "square") options.steps = 60;
    if (name == "cw") options.steps = 50;
    if (name == "autoattack") options.steps = 3;
    const SelfTest test = self_test(stored.network, stored.x, stored.labels, options,
                                    examinable(name), expected_of(name));
    for (auto& text : test.failures) UNSCOPED_INFO(text);
    CHECK(test.failures.empty());
  }
}

TEST_CASE("An attack in the wrong space is caught") {
  Stored stored{Device()};
  // eps is meant in pixels, and taken for normalised units.
  const PgdFunction normalized = [](Module& network, const Tensor& x, const Tensor& labels,
                                    const PgdOptions& options, uint32_t batch) {
    PgdOptions other = options;
    const AttackSpace& space = options.space;
    other.space = normalized_space(space.radius, space.stride);
    return pgd(network, x, labels, other, batch);
  };
  CHECK(says(self_test(stored.network, stored.x, stored.labels, usual(), normalized).failures,
             "in the wrong space?"));
  // The other way round: it goes further than it may.
  const PgdFunction pixels = [](Module& network, const Tensor& x, const Tensor& labels,
                                const PgdOptions& options, uint32_t batch) {
    PgdOptions other = options;
    other.space = pixel_space(options.space.radius, options.space.stride, means, deviation);
    return pgd(network, x, labels, other, batch);
  };
  PgdOptions normal = usual();
  normal.space = normalized_space(8 / 255., 2 / 255.);
  CHECK(
      says(self_test(stored.network, stored.x, stored.labels, normal, pixels).failures, "outside"));
}

TEST_CASE("A gradient that is computed once, or never, is caught") {
  Stored stored{Device()};
  const PgdFunction frozen = [](Module& network, const Tensor& x, const Tensor& labels,
                                const PgdOptions& options, uint32_t batch) {
    // All steps along the first gradient are one of their length.
    PgdOptions once = options;
    once.steps = 1;
    once.space = with_step(options.space, options.steps * options.space.stride);
    PgdResult result = pgd(network, x, labels, once, batch);
    return result;
  };
  CHECK(
      says(self_test(stored.network, stored.x, stored.labels, usual(), frozen).failures, "frozen"));
  const PgdFunction none = [](Module& network, const Tensor& x, const Tensor& labels,
                              const PgdOptions& options, uint32_t batch) {
    PgdResult result = pgd(network, x, labels, options, batch);
    result.images = x.clone();
    return result;
  };
  CHECK(says(self_test(stored.network, stored.x, stored.labels, usual(), none).failures,
             "changed no image"));
}

TEST_CASE("A network that hides its gradients is told from one that is robust") {
  Stored stored{Device()};
  Masked masked(stored.network, 1e4);
  const SelfTest test = self_test(masked, stored.x, stored.labels, usual());
  CHECK(test.attacked > 80);
  CHECK(test.zero_gradients > 50);
  CHECK(says(test.warnings, "the network hides it"));
  CHECK(says(test.warnings, "with the largest eps that there is"));
  CHECK(says(test.warnings, "masked gradients are likely: Square"));
  Masked honest(stored.network, 1);
  const SelfTest plain = self_test(honest, stored.x, stored.labels, usual());
  CHECK(plain.warnings.empty());
}

TEST_CASE("With targets it is the target's loss that has to fall") {
  Stored stored{Device()};
  for (AttackGoal goal : {AttackGoal::second_likely, AttackGoal::random_target}) {
    PgdOptions options = usual();
    options.goal = goal;
    CHECK(self_test(stored.network, stored.x, stored.labels, options).ok());
    const PgdFunction wrong_sign = [](Module& network, const Tensor& x, const Tensor& labels,
                                      const PgdOptions& options, uint32_t batch) {
      PgdOptions turned = options;
      for (float& s : turned.space.step) s = -s;
      return pgd(network, x, labels, turned, batch);
    };
    CHECK(says(self_test(stored.network, stored.x, stored.labels, options, wrong_sign).failures,
               "should lower the loss of its target"));
  }
}
