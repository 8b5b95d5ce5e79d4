// Optimizers, averages and schedules at single values: first steps, float32 beside float64, and
// what they refuse.
#include <cmath>

#include "autograd/elementwise.h"
#include "optim/adam.h"
#include "optim/ema.h"
#include "optim/lion.h"
#include "optim/muon.h"
#include "optim/rmsprop.h"
#include "optim/schedule.h"
#include "optim/sgd.h"
#include "tests/catch.h"
#include "tests/support.h"

namespace tweed {
namespace {

const double nan = NAN, inf = INFINITY;

// One parameter under Adam, whose gradients come one after another.
struct Single {
  Tensor w;
  ParameterBuffer buffer;
  Adam adam;

  Single(double start, DType dtype, Device device, const Adam::Options& options)
      : w(require_grad(Tensor::full({1}, start, dtype, device))),
        buffer({{"w", w}}),
        adam(buffer, options) {}
  double operator()(double gradient) {
    grad(w).fill(gradient);
    adam.step();
    return w.item();
  }
};

}  // namespace

TEST_CASE("The first step of Adam is the learning rate, whatever the betas") {
  for (Device device : test_devices())
    for (double beta1 : {0.0, 0.5, 0.9, 0.999})
      for (double beta2 : {0.0, 0.9, 0.999, 0.9999, 0.99999, 0.999999}) {
        INFO(device.name() << ", betas " << beta1 << " and " << beta2);
        for (DType dtype : {DType::float32, DType::float64}) {
          Single single(0, dtype, device, {.lr = 1, .beta1 = beta1, .beta2 = beta2, .eps = 0});
          CHECK(std::abs(single(1) + 1) < (dtype == DType::float32 ? 3e-7 : 1e-15));
        }
      }
}

TEST_CASE("Adam under an even gradient walks evenly for a thousand steps") {
  for (double beta2 : {0.9, 0.999, 0.99999}) {
    INFO("beta2 " << beta2);
    Single single(0, DType::float32, {}, {.lr = 0.125, .beta2 = beta2, .eps = 0});
    double before = 0, worst = 0;
    for (int step = 1; step <= 1000; ++step) {
      const double now = single(3);
      // The weight itself is rounded to 2^-24 of up to 128.
      worst = std::max(worst, std::abs(now - before + 0.125));
      before = now;
    }
    CHECK(worst < 2e-5);
  }
}

TEST_CASE("Adam without a memory forgets large gradients") {
  for (Device device : test_devices()) {
    Single single(0, DType::float32, device, {.lr = 0.5, .beta1 = 0, .beta2 = 0, .eps = 0});
    CHECK(single(1e9) == Approx(-0.5));
    CHECK(single(1e-3) == Approx(-1));
    CHECK(single(-1) == Approx(-0.5));
  }
}

TEST_CASE("AdamW's small decay is not lost in 1 - lr * weight_decay") {
  // That is 1 in float32. In the sum of both changes it reaches the weights by and by.
  auto mean = [](DType dtype) {
    Tensor w = require_grad(random_tensor({1000}, DType::float32, {}, 1, 1, 2).to(dtype));
    ParameterBuffer buffer({{"w", w}});
    Adam adam(buffer, {.lr = 1e-4, .weight_decay = 2e-4, .decoupled = true});
    for (int step = 1; step <= 200; ++step) {
      NoGrad no_grad;
      grad(w).copy_from(random_tensor({1000}, DType::float32, {}, uint64_t(step)).to(dtype));
      adam.step();
    }
    double sum = 0;
    for (double v : w.to_doubles()) sum += v;
    return sum / 1000;
  };
  // Decayed are 200 * 2e-8 * 1.5 = 6e-6.
  CHECK(std::abs(mean(DType::float32) - mean(DType::float64)) < 6e-7);
}

TEST_CASE("Adam in float32 stays as near to float64 as its digits allow") {
  auto train = [](DType dtype) {
    Tensor w = require_grad(random_tensor({64}, dtype, {}, 1));
    ParameterBuffer buffer({{"w", w}});
    Adam adam(buffer, {.lr = 0.01});
    for (int step = 1; step <= 30; ++step) {
      NoGrad no_grad;
      // Values that both dtypes hold exactly.
      grad(w).copy_from(random_tensor({64}, DType::float32, {}, uint64_t(step)).to(dtype));
      adam.step();
    }
    return w.to_doubles();
  };
  // Thirty roundings of weights up to 1, each of up to 3e-8. PyTorch is as near.
  CHECK(difference(train(DType::float32), train(DType::float64), 5e-7) == "");
}

TEST_CASE(
    "Lion moves every weight by the rate, whatever its gradient, and leaves those without one") {
  for (Device device : test_devices()) {
    const Tensor w = require_grad(Tensor::zeros({4}, DType::float32, device));
    ParameterBuffer buffer({{"w", w}});
    Lion lion(buffer, {.lr = 0.25});
    grad(w).copy_from(Tensor::from<float>({1e9f, -1e-9f, 0, NAN}, {4}));
    lion.step();
    const auto moved = w.to_doubles();
    CHECK(std::vector<double>(moved.begin(), moved.end() - 1) ==
          std::vector<double>{-0.25, 0.25, 0});
    CHECK(std::isnan(moved[3]));
  }
}

TEST_CASE(
    "RMSprop's first step is by 1 / sqrt(1 - alpha), and equal gradients leave no deviation") {
  for (Device device : test_devices()) {
    const Tensor w = require_grad(Tensor::zeros({1}, DType::float32, device));
    ParameterBuffer buffer({{"w", w}});
    RMSprop rmsprop(buffer, {.lr = 0.1, .alpha = 0.75, .eps = 0});
    grad(w).fill(-7);
    rmsprop.step();
    CHECK(w.item() == Approx(0.2));
    // Centered, where rounding would make the variance negative: each step is finite.
    RMSprop centered(buffer, {.lr = 1e-6, .alpha = 0.5, .eps = 1e-3, .centered = true});
    for (int step = 0; step < 60; ++step) {
      grad(w).fill(0.1 + step % 2 * 1e-9);
      centered.step();
      CHECK(std::isfinite(w.item()));
    }
  }
}

TEST_CASE("Dampening begins with the second gradient, and not without momentum") {
  const auto after_two = [](const SGD::Options& options) {
    const Tensor w = require_grad(Tensor::zeros({1}, DType::float64));
    ParameterBuffer buffer({{"w", w}});
    SGD sgd(buffer, options);
    for (int step = 0; step < 2; ++step) grad(w).fill(1), sgd.step();
    return w.item();
  };
  CHECK(after_two({.lr = 1, .momentum = 0.5, .dampening = 0.25}) == Approx(-1 - (0.5 + 0.75)));
  CHECK(after_two({.lr = 1, .dampening = 0.25}) == -2);
}

TEST_CASE("Newton and Schulz's iteration brings all singular values near 1") {
  for (Device device : test_devices())
    for (const Shape& shape : {Shape{4, 4}, Shape{3, 9}, Shape{9, 3}, Shape{1, 6}, Shape{6, 1}}) {
      INFO(device.name() << " " << shape.str());
      const Tensor x = random_tensor(shape, DType::float64, device, 5);
      const auto y = newton_schulz(x * 1e-3).to_doubles();
      CHECK(difference(newton_schulz(x).to_doubles(), y, 1e-9) == "");  // the size does not count
      // Of the small side's products the diagonal is the mean of squared singular values.
      const int64_t rows = shape[0], columns = shape[1], small = std::min(rows, columns);
      double squares = 0;
      for (double v : y) squares += v * v;
      CHECK(std::sqrt(squares / double(small)) > 0.65);
      CHECK(std::sqrt(squares / double(small)) < 1.2);
    }
  CHECK_THROWS_WITH(newton_schulz(Tensor::zeros({3})), "[newton_schulz] x is (3), no matrix");
  for (double v : newton_schulz(Tensor::zeros({2, 3})).to_doubles()) CHECK(v == 0);
}

TEST_CASE("Optimizers, averages and clipping refuse numbers that mean nothing") {
  const Tensor w = require_grad(Tensor::zeros({3}));
  ParameterBuffer buffer({{"w", w}});
  CHECK_THROWS_WITH(SGD(buffer, {.lr = nan}), "[optim] lr is nan, not a finite number from 0");
  CHECK_THROWS_WITH(SGD(buffer, {.momentum = -1}),
                    "[sgd] momentum is -1, not a finite number from 0");
  CHECK_THROWS_WITH(Adam(buffer, {.beta1 = 1}), "[adam] beta1 is 1, not from 0 to below 1");
  for (double bad : {nan, inf, -inf, -0.5}) {
    INFO(bad);
    CHECK_THROWS_AS(SGD(buffer, {.lr = bad}), Error);
    CHECK_THROWS_AS(SGD(buffer, {.momentum = bad}), Error);
    CHECK_THROWS_AS(SGD(buffer, {.weight_decay = bad}), Error);
    CHECK_THROWS_AS(Adam(buffer, {.lr = bad}), Error);
    CHECK_THROWS_AS(Adam(buffer, {.weight_decay = bad}), Error);
    CHECK_THROWS_AS(Adam(buffer, {.beta1 = bad}), Error);
    CHECK_THROWS_AS(Adam(buffer, {.beta2 = bad}), Error);
    CHECK_THROWS_AS(Adam(buffer, {.eps = bad}), Error);
    CHECK_THROWS_AS(SGD(buffer, {.dampening = bad}), Error);
    CHECK_THROWS_AS(RMSprop(buffer, {.lr = bad}), Error);
    CHECK_THROWS_AS(RMSprop(buffer, {.alpha = bad}), Error);
    CHECK_THROWS_AS(RMSprop(buffer, {.eps = bad}), Error);
    CHECK_THROWS_AS(RMSprop(buffer, {.weight_decay = bad}), Error);
    CHECK_THROWS_AS(RMSprop(buffer, {.momentum = bad}), Error);
    CHECK_THROWS_AS(Lion(buffer, {.lr = bad}), Error);
    CHECK_THROWS_AS(Lion(buffer, {.weight_decay = bad}), Error);
    CHECK_THROWS_AS(Lion(buffer, {.beta1 = bad}), Error);
    CHECK_THROWS_AS(Lion(buffer, {.beta2 = bad}), Error);
    CHECK_THROWS_AS(Muon(buffer, {.lr = bad}), Error);
    CHECK_THROWS_AS(Muon(buffer, {.weight_decay = bad}), Error);
    CHECK_THROWS_AS(Muon(buffer, {.momentum = bad}), Error);
    CHECK_THROWS_AS(Muon(buffer, {.adam_rate = bad}), Error);
    CHECK_THROWS_AS(Muon(buffer, {.beta1 = bad}), Error);
    CHECK_THROWS_AS(Muon(buffer, {.beta2 = bad}), Error);
    CHECK_THROWS_AS(Muon(buffer, {.eps = bad}), Error);
    CHECK_THROWS_AS(Ema(buffer, bad), Error);
    CHECK_THROWS_AS(ParameterBuffer({{"w", w}}, {{.lr = bad}}), Error);
    CHECK_THROWS_AS(ParameterBuffer({{"w", w}}, {{.weight_decay = bad}}), Error);
    SGD sgd(buffer, {.lr = 0.25});
    Adam adam(buffer, {});
    CHECK_THROWS_AS(sgd.set_lr(bad), Error);
    CHECK(sgd.lr() == 0.25);
    CHECK_THROWS_AS(sgd.set_momentum(bad), Error);
    CHECK_THROWS_AS(adam.set_momentum(bad), Error);
    if (bad == inf) continue;
    CHECK_THROWS_AS(buffer.clip_grad_norm(bad), Error);
  }
  CHECK_THROWS_WITH(SGD(buffer, {.nesterov = true, .dampening = 0.5}),
                    "[sgd] dampening is 0.5, not 0, which Nesterov's momentum needs");
  CHECK_THROWS_WITH(Muon(buffer, {.ns_steps = 0}), "[muon] ns_steps is 0, not from 1 to 100");
  CHECK_THROWS_WITH(Ema(buffer, 1e300), "[ema] decay is 1e+300, not from 0 to 1");
  CHECK_THROWS_AS(Adam(buffer, {.beta2 = 1}), Error);
  CHECK_NOTHROW(SGD(buffer, {.lr = 0, .momentum = 0, .weight_decay = 0}));
  CHECK_NOTHROW(buffer.clip_grad_norm(inf));
}

TEST_CASE("Schedules refuse numbers that mean nothing") {
  CHECK_THROWS_WITH(step_decay(0.1, 0), "[step_decay] every is 0, not 1 or more");
  CHECK_THROWS_WITH(cosine(0.1, -3), "[cosine] total is -3, not 1 or more");
  CHECK_THROWS_WITH(multi_step(0.1, {4, -1}), "[multi_step] a milestone is -1, not 0 or more");
  CHECK_THROWS_WITH(warm_up(-1, constant(1)), "[warm_up] iterations is -1, not 0 or more");
  CHECK_THROWS_WITH(warm_up(1, {}), "[warm_up] there is no schedule to follow");
  CHECK_THROWS_WITH(one_cycle({.total = 0}), "[one_cycle] total is 0, not 1 or more");
  CHECK_THROWS_AS(one_cycle({.rising = 1.5}), Error);
  for (double bad : {nan, inf, -1.0}) {
    INFO(bad);
    CHECK_THROWS_AS(constant(bad), Error);
    CHECK_THROWS_AS(step_decay(bad, 3), Error);
    CHECK_THROWS_AS(step_decay(0.1, 3, bad), Error);
    CHECK_THROWS_AS(multi_step(bad, {3}), Error);
    CHECK_THROWS_AS(multi_step(0.1, {3}, bad), Error);
    CHECK_THROWS_AS(cosine(bad, 3), Error);
    CHECK_THROWS_AS(cosine(0.1, 3, bad), Error);
    CHECK_THROWS_AS(warm_up(3, constant(0.1), bad), Error);
    for (const OneCycle& cycle :
         {OneCycle{.lr = bad}, OneCycle{.rising = bad}, OneCycle{.start = bad},
          OneCycle{.last = bad}, OneCycle{.low_momentum = bad}, OneCycle{.high_momentum = bad}}) {
      CHECK_THROWS_AS(one_cycle(cycle), Error);
      CHECK_THROWS_AS(one_cycle_momentum(cycle), Error);
    }
  }
  for (double rising : {0.0, 1.0})
    for (int64_t i = 0; i < 4; ++i)
      CHECK(std::isfinite(one_cycle({.total = 3, .rising = rising})(i)));
}

}  // namespace tweed
