// Attacks as a mechanism: directions, bounds, memory, and the self-test that watches them.
#include <cmath>

#include "attacks/pgd.h"
#include "attacks/self_test.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/shape_ops.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "optim/sgd.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;

namespace {

constexpr std::array<float, 3> mean{0.485f, 0.456f, 0.406f}, deviation{0.229f, 0.224f, 0.225f};

// Small images whose class is a faint pattern, and a network that has learnt it.
struct Toy {
  explicit Toy(Device device) {
    const int64_t n = 96, size = 6;
    Random random(3, Purpose::test);
    std::vector<float> pixels;
    std::vector<int32_t> names;
    for (int64_t i = 0; i < n; ++i) {
      names.push_back(int32_t(i % 2));
      for (int64_t p = 0; p < size * size * 3; ++p) {
        float pattern = (p / 3 % 2 == i % 2) ? 0.06f : -0.06f;
        float v = std::min(1.f, std::max(0.f, 0.5f + pattern + 0.12f * random.normal()));
        pixels.push_back((v - mean[std::size_t(p % 3)]) / deviation[std::size_t(p % 3)]);
      }
    }
    x = Tensor::from(pixels, {n, size, size, 3}, device);
    labels = Tensor::from(names, {n}, device);
    const InitSeed seed(1);
    network.add(Conv2d(3, 8, 3, {.padding = 1, .activation = Activation::relu}));
    network.add(std::make_shared<Flatten>());
    network.add(Linear(8 * size * size, 2));
    network.to(device);
    ParameterBuffer parameters(network.parameters());
    SGD sgd(parameters, {.lr = 0.02, .momentum = 0.9, .weight_decay = 0});
    for (int step = 0; step < 40; ++step) {
      Tensor loss = cross_entropy(network(x), labels);
      parameters.zero_grad();
      backward(loss);
      sgd.step();
    }
    network.eval();
  }
  Sequential network;
  Tensor x, labels;
};

PgdOptions usual() {
  return {.space = pixel_space(16 / 255., 4 / 255., mean, deviation), .steps = 10};
}

}  // namespace

TEST_CASE("PGD raises the label's loss, lowers a target's, and stays within its bounds") {
  for (Device device : test_devices()) {
    INFO(device.name());
    Toy toy(device);
    for (bool random : {false, true})
      for (AttackGoal goal :
           {AttackGoal::raise_label, AttackGoal::lower_target, AttackGoal::least_likely}) {
        PgdOptions options = usual();
        options.goal = goal;
        options.target = 1;
        options.random_start = random;
        options.steps = 3;
        PgdResult result = pgd(toy.network, toy.x, toy.labels, options);
        CHECK(result.losses.size() == 4);
        CHECK((result.losses.back().item() > result.losses.front().item()) ==
              (goal == AttackGoal::raise_label));
        CHECK(outside(result.images, toy.x, options.space) == 0);
      }
    PgdOptions loose = usual();
    Tensor beyond = toy.x.clone();
    beyond.fill(0);
    CHECK(outside(beyond, toy.x, loose.space) > 0);
  }
}

TEST_CASE("An attack computes gradients of the input only") {
  Toy toy{Device()};
  for (auto& [name, t] : toy.network.parameters()) clear_grad(t);
  pgd(toy.network, toy.x, toy.labels, usual());
  for (auto& [name, t] : toy.network.parameters()) CHECK(!grad(t).defined());
}

TEST_CASE("Memory after 100 steps is memory after 2") {
  Toy toy{Device()};
  auto after = [&](int steps) {
    PgdOptions options = usual();
    options.steps = steps;
    pgd(toy.network, toy.x, toy.labels, options);
    return memory_stats();
  };
  MemoryStats two = after(2), hundred = after(100);
  CHECK(two.current == hundred.current);
  // The result lists a loss for each step, in the pool's smallest blocks.
  CHECK(hundred.reserved <= two.reserved + 98 * 256);
}

TEST_CASE("The same seed gives the same attack, another batch another start") {
  Toy toy{Device()};
  PgdOptions options = usual();
  options.steps = 1;
  auto images = [&](uint32_t batch) {
    return pgd(toy.network, toy.x, toy.labels, options, batch).images;
  };
  CHECK(same_bits(images(0), images(0)));
  CHECK(!same_bits(images(0), images(1)));
}

TEST_CASE("The self-test passes a right attack and catches planted faults") {
  Toy toy{Device()};
  SelfTest right = self_test(toy.network, toy.x, toy.labels, usual());
  INFO("clean " << right.clean << " noise " << right.noise << " attacked " << right.attacked);
  CHECK(right.ok());
  CHECK(right.warnings.empty());
  CHECK(right.attacked < right.clean);

  PgdFunction wrong_sign = [](Module& network, const Tensor& x, const Tensor& labels,
                              const PgdOptions& options, uint32_t batch) {
    PgdOptions turned = options;
    for (float& s : turned.space.step) s = -s;
    return pgd(network, x, labels, turned, batch);
  };
  for (AttackGoal goal : {AttackGoal::raise_label, AttackGoal::least_likely}) {
    PgdOptions options = usual();
    options.goal = goal;
    SelfTest caught = self_test(toy.network, toy.x, toy.labels, options, wrong_sign);
    REQUIRE(caught.failures.size() == 1);
    CHECK(caught.failures[0].find("the loss") != std::string::npos);
  }

  PgdFunction too_far = [](Module& network, const Tensor& x, const Tensor& labels,
                           const PgdOptions& options, uint32_t batch) {
    PgdOptions larger = options;
    for (float& e : larger.space.eps) e *= 1.01f;
    return pgd(network, x, labels, larger, batch);
  };
  SelfTest loose = self_test(toy.network, toy.x, toy.labels, usual(), too_far);
  REQUIRE(loose.failures.size() == 1);
  CHECK(loose.failures[0].find("outside") != std::string::npos);

  PgdFunction only_noise = [](Module& network, const Tensor& x, const Tensor& labels,
                              const PgdOptions& options, uint32_t batch) {
    PgdResult result = pgd(network, x, labels, options, batch);
    result.images = random_noise(x, options.space, 77, batch);
    return result;
  };
  CHECK(!self_test(toy.network, toy.x, toy.labels, usual(), only_noise).warnings.empty());
}

TEST_CASE("A recorded attack has the bits of one that is not") {
  for (Device device : test_devices()) {
    INFO(device.name());
    Toy toy{device};
    const PgdOptions options = usual();
    const Attack recorded = pgd_attack(options, device);
    for (uint32_t batch = 0; batch < 5; ++batch) {
      // The fourth batch is smaller than the others.
      const int64_t size = batch == 3 ? 1 : toy.x.dim(0);
      const Tensor x = (toy.x * (1 - 0.1 * batch)).slice(0, size);
      const Tensor labels = toy.labels.slice(0, size);
      toy.network.set_random_step({.step = batch});
      CHECK(same_bits(recorded(toy.network, x, labels),
                      pgd(toy.network, x, labels, options, batch).images));
    }
  }
}

TEST_CASE("An attack that may change nothing changes nothing, and the self-test says so") {
  Toy toy{Device()};
  // In normalised units pixels are about 1: 1e-12 of them is lost in rounding.
  for (double eps : {0., 1e-12}) {
    PgdOptions options = usual();
    options.space = pixel_space(eps, eps / 4, mean, deviation);
    CHECK(!leaves_room(toy.x, options.space));
    const SelfTest test = self_test(toy.network, toy.x, toy.labels, options);
    CHECK(test.ok());
    CHECK(test.warnings.empty());
    CHECK(!test.had_room);
    CHECK(test.attacked == test.clean);
    CHECK(test.noise == test.clean);
    // One that changes something all the same is caught.
    const PgdFunction too_far = [](Module& network, const Tensor& x, const Tensor& labels,
                                   const PgdOptions& options, uint32_t batch) {
      PgdOptions larger = options;
      larger.space = usual().space;
      return pgd(network, x, labels, larger, batch);
    };
    CHECK(!self_test(toy.network, toy.x, toy.labels, options, too_far).ok());
  }
  CHECK(leaves_room(toy.x, pixel_space(1e-6, 1e-6, mean, deviation)));
}

TEST_CASE("The self-test of many images is that of its batches") {
  Toy toy{Device()};
  const Tensor x = concat({toy.x, toy.x, toy.x}, 0);
  std::vector<int32_t> names;
  for (int64_t i = 0; i < x.dim(0); ++i) names.push_back(int32_t(i % 2));
  const Tensor labels = Tensor::from(names, {x.dim(0)});
  int64_t largest = 0, calls = 0;
  const PgdFunction watched = [&](Module& network, const Tensor& images, const Tensor& names,
                                  const PgdOptions& options, uint32_t batch) {
    largest = std::max(largest, images.dim(0));
    ++calls;
    return pgd(network, images, names, options, batch);
  };
  const SelfTest few = self_test(toy.network, toy.x, toy.labels, usual()),
                 many = self_test(toy.network, x, labels, usual(), watched);
  CHECK(many.ok());
  CHECK(many.clean == Approx(few.clean));
  CHECK(largest == 100);
  // Two for each of three batches, and four of a closer look at the first.
  CHECK(calls == 10);
}

TEST_CASE("An attack ends between steps when it is cancelled") {
  Toy toy{Device()};
  PgdOptions options = usual();
  options.steps = 1'000'000;
  int asked = 0;
  options.cancelled = [&asked] { return ++asked > 3; };
  const PgdResult result = pgd(toy.network, toy.x, toy.labels, options);
  CHECK(result.losses.size() == 3);
  CHECK(outside(result.images, toy.x, options.space) == 0);
  // Neither does a recorded one, nor the self-test, run on to its end.
  asked = 0;
  pgd_attack(options, Device())(toy.network, toy.x, toy.labels);
  CHECK(asked == 4);
  asked = 0;
  CHECK(self_test(toy.network, toy.x, toy.labels, options).failures.empty());
  // Until then it is the attack that it would have been.
  asked = 0;
  options.steps = 3;
  const Tensor whole = pgd(toy.network, toy.x, toy.labels, options).images;
  CHECK(same_bits(whole, result.images));
}
