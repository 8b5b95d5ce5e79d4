// Images that a network takes for what one wants.
#include "attacks/fool.h"

#include <cmath>

#include "nn/init.h"
#include "nn/layers.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;

namespace {

constexpr struct {
  std::array<float, 3> mean, std;
} seen{{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
constexpr int64_t side = 4, values = side * side * 3, classes = 3;

// A linear network, whose gradients can be written down.
struct Linear3 {
  explicit Linear3(Device device) {
    Random random(5, Purpose::test);
    // The layer has them in PyTorch's order, channel by channel.
    std::vector<float> w(classes * values);
    for (int64_t i = 0; i < classes * values; ++i) {
      const int64_t place = i % values / 3, channel = i % 3;
      weights.push_back(0.3f * random.normal());
      w[std::size_t(i - i % values + channel * side * side + place)] = weights.back();
    }
    network.add(std::make_shared<Flatten>());
    network.add(Linear(values, classes));
    network.to(device);
    for (auto& [name, t] : network.state())
      if (t.ndim() == 2)
        Tensor(t).copy_from(Tensor::from(w, t.shape(), device));
      else
        Tensor(t).fill(0);
    network.eval();
  }

  std::vector<double> probabilities(const std::vector<double>& x) const {
    std::vector<double> p(classes);
    double sum = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      double logit = 0;
      for (std::size_t i = 0; i < values; ++i) logit += double(weights[k * values + i]) * x[i];
      sum += p[k] = std::exp(logit);
    }
    for (double& value : p) value /= sum;
    return p;
  }
  // dP(target)/dx.
  std::vector<double> gradient(const std::vector<double>& x, std::size_t target) const {
    const auto p = probabilities(x);
    std::vector<double> g(values);
    for (std::size_t i = 0; i < values; ++i) {
      double mean = 0;
      for (std::size_t k = 0; k < classes; ++k) mean += p[k] * double(weights[k * values + i]);
      g[i] = p[target] * (double(weights[target * values + i]) - mean);
    }
    return g;
  }

  Sequential network;
  std::vector<float> weights;
};

Tensor pictures(int64_t count, Device device) {
  Random random(7, Purpose::test);
  std::vector<float> x;
  for (int64_t i = 0; i < count * values; ++i) {
    const auto c = std::size_t(i % 3);
    x.push_back((std::floor(40 + 176 * random.uniform()) / 255 - seen.mean[c]) / seen.std[c]);
  }
  return Tensor::from(x, {count, side, side, 3}, device);
}

FoolOptions usual(double eps, double step) {
  return {.space = pixel_space(eps, step, seen.mean, seen.std)};
}

std::vector<double> image(const Tensor& batch, int64_t i) {
  return batch.slice(i, i + 1).to_doubles();
}

}  // namespace

TEST_CASE("each step adds lambda times the probability's gradient, in pixels") {
  const Device device = GENERATE(from_range(test_devices()));
  const Linear3 linear(device);
  const Tensor x = pictures(2, device);
  const std::vector<int32_t> targets{2, 0};
  FoolOptions options = usual(1, 1 / 255.);
  options.lambda = 0.01;
  options.steps = 3;
  const Fooled fooled =
      fool(const_cast<Sequential&>(linear.network), x, Tensor::from(targets, {2}, device), options);
  for (int64_t n = 0; n < 2; ++n) {
    const auto target = std::size_t(targets[std::size_t(n)]);
    auto expected = image(x, n);
    for (int step = 0; step < 3; ++step) {
      const auto g = linear.gradient(expected, target);
      for (std::size_t i = 0; i < values; ++i) {
        const double std = seen.std[i % 3];
        expected[i] += 0.01 * g[i] / (std * std);
      }
    }
    const auto got = image(fooled.images, n);
    for (std::size_t i = 0; i < values; ++i) CHECK(got[i] == Approx(expected[i]).margin(2e-5));
    CHECK(fooled.probability[std::size_t(n)] ==
          Approx(linear.probabilities(expected)[target]).margin(1e-4));
    CHECK(fooled.steps[std::size_t(n)] == 3);
  }
}

TEST_CASE("without a lambda, the pixel that changes most changes by a step") {
  const Device device = GENERATE(from_range(test_devices()));
  Linear3 linear(device);
  const Tensor x = pictures(2, device);
  FoolOptions options = usual(1, 2 / 255.);
  options.steps = 1;
  const Fooled fooled =
      fool(linear.network, x, Tensor::from(std::vector<int32_t>{2, 0}, {2}, device), options);
  for (int64_t n = 0; n < 2; ++n) {
    const auto before = image(x, n), after = image(fooled.images, n);
    double largest = 0;
    for (std::size_t i = 0; i < values; ++i)
      largest = std::max(largest, std::abs(after[i] - before[i]) * double(seen.std[i % 3]));
    CHECK(largest == Approx(2 / 255.).epsilon(1e-4));
  }
}

TEST_CASE("it ends for each image as soon as the network is as sure, inside the bounds") {
  const Device device = GENERATE(from_range(test_devices()));
  Linear3 linear(device);
  const Tensor x = pictures(3, device);
  const Tensor targets = Tensor::from(std::vector<int32_t>{0, 1, 2}, {3}, device);
  FoolOptions options = usual(1, 1 / 255.);
  options.sign = true;
  options.until = 0.99;
  const Fooled fooled = fool(linear.network, x, targets, options);
  CHECK(outside(fooled.images, x, options.space) == 0);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(fooled.probability[i] >= 0.99);
    CHECK(fooled.steps[i] < 100);
    // One step fewer is not enough.
    options.steps = fooled.steps[i] - 1;
    CHECK(fool(linear.network, x, targets, options).probability[i] < 0.99);
    options.steps = 100;
  }
  SECTION("a narrow box stops it") {
    options.space = pixel_space(1 / 255., 1 / 255., seen.mean, seen.std);
    options.sign = GENERATE(true, false);
    const Fooled less = fool(linear.network, x, targets, options);
    CHECK(outside(less.images, x, options.space) == 0);
    for (std::size_t i = 0; i < 3; ++i) CHECK(less.probability[i] < 0.99);
  }
}

TEST_CASE("images of 8 bits are what the network was judged by") {
  const Device device = GENERATE(from_range(test_devices()));
  Linear3 linear(device);
  const Tensor x = pictures(1, device);
  FoolOptions options = usual(8 / 255., 0.4 / 255.);  // a step below half a level is not lost
  options.eight_bits = true;
  options.steps = 12;
  const Fooled fooled =
      fool(linear.network, x, Tensor::from(std::vector<int32_t>{1}, {1}, device), options);
  const auto got = image(fooled.images, 0), before = image(x, 0);
  double largest = 0;
  for (std::size_t i = 0; i < values; ++i) {
    const double level = 255 * (got[i] * double(seen.std[i % 3]) + double(seen.mean[i % 3]));
    CHECK(level == Approx(std::round(level)).margin(1e-3));
    largest = std::max(largest, std::abs(got[i] - before[i]) * double(seen.std[i % 3]) * 255);
  }
  CHECK(largest == Approx(5).margin(1.01));
  CHECK(fooled.probability[0] == Approx(linear.probabilities(got)[1]).margin(1e-4));
}

TEST_CASE("what cannot be fooled with is refused") {
  Linear3 linear{Device()};
  const Tensor x = pictures(2, Device());
  CHECK_THROWS_WITH(fool(linear.network, x, Tensor::zeros({3}, DType::int32), usual(1, 1)),
                    Contains("targets are int32 (2)"));
  CHECK_THROWS_WITH(fool(linear.network, Tensor::zeros({2, 4, 4, 1}),
                         Tensor::zeros({2}, DType::int32), usual(1, 1)),
                    Contains("(N, H, W, 3)"));
}
