// Kernels that are no operations: the optimizer's and the attacks'.
#include <cmath>
#include <limits>

#include "autograd/dispatch.h"
#include "kernels/attack.h"
#include "kernels/elementwise.h"
#include "kernels/optimizer.h"
#include "tests/catch.h"
#include "tests/ops/on_all.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;

struct Box {
  Tensor eps, lo, hi;
};
Box box_of(const Doubles& eps, const Doubles& lo, const Doubles& hi, DType dtype, Device device) {
  const Shape channels = {int64_t(eps.size())};
  auto make = [&](const Doubles& v) { return Tensor::from(v, channels).to(dtype).to(device); };
  return {make(eps), make(lo), make(hi)};
}
void step(const Tensor& x0, const Tensor& grad, const Tensor& size, const Box& box,
          const Tensor& x_adv) {
  dispatch("test", x0, [&]<class T>(auto& here) {
    sign_step(here, x0.read<T>(), grad.read<T>(), size.read<T>(),
              AttackBox<T>{box.eps.read<T>(), box.lo.read<T>(), box.hi.read<T>()},
              x_adv.write<T>());
  });
}
void start(const Tensor& x0, const RandomKey& key, const Box& box, const Tensor& x_adv) {
  dispatch("test", x0, [&]<class T>(auto& here) {
    random_start(here, key, x0.read<T>(),
                 AttackBox<T>{box.eps.read<T>(), box.lo.read<T>(), box.hi.read<T>()},
                 x_adv.write<T>());
  });
}

// In long double, where differences of all these numbers are exact.
void check_inside(const Tensor& x, const Tensor& x0, const Box& box) {
  const Doubles v = x.to_doubles(), centre = x0.to_doubles();
  const Doubles eps = box.eps.to_doubles(), lo = box.lo.to_doubles(), hi = box.hi.to_doubles();
  int64_t outside = 0;
  for (std::size_t i = 0; i < v.size(); ++i) {
    const std::size_t c = i % eps.size();
    const long double distance = std::abs((long double)v[i] - (long double)centre[i]);
    outside += distance > (long double)eps[c] || v[i] < lo[c] || v[i] > hi[c];
  }
  CHECK(outside == 0);
}

}  // namespace

TEST_CASE("axpy adds a multiple", "[kernels]") {
  on_all([](Device device, DType dtype) {
    Tensor x = Tensor::full({300}, 2, dtype, device), y = Tensor::full({300}, 1, dtype, device);
    dispatch("test", x, [&]<class T>(auto& here) { axpy(here, 1.5, x.read<T>(), y.write<T>()); });
    CHECK(y.to_doubles() == Doubles(300, 4));
  });
}

static Tensor on_device(const StepNumbers& numbers, Device device) {
  return Tensor::from(Doubles(numbers.v, numbers.v + 8), {8}, device);
}

TEST_CASE("sgd_step follows PyTorch's formula", "[kernels]") {
  on_all([](Device device, DType dtype) {
    const int64_t n = 300;
    const double tolerance = dtype == DType::bfloat16 ? 3e-2 : 1e-6;
    for (auto [sgd, nesterov] : {std::pair(Sgd{0.1, 0.9, 0.01}, false),
                                 {Sgd{0.5, 0, 0}, false},
                                 {Sgd{0.1, 0.9, 0.01}, true}}) {
      const Tensor numbers = on_device(sgd.numbers(), device);
      Tensor w = random_tensor({n}, dtype, device, 1), v = Tensor::zeros({n}, dtype, device);
      Doubles weight = w.to_doubles(), velocity(weight.size(), 0.0);
      for (uint64_t t = 0; t < 3; ++t) {
        Tensor g = random_tensor({n}, dtype, device, 10 + t);
        const Doubles grad = g.to_doubles();
        dispatch("test", w, [&, momentum = sgd.momentum, nesterov = nesterov]<class T>(auto& here) {
          // Without momentum there need be no velocity.
          const Span<T> state = momentum > 0 ? v.write<T>() : Span<T>();
          sgd_step(here, nesterov, numbers.read<double>(), g.read<T>(), state, w.write<T>());
        });
        for (std::size_t i = 0; i < grad.size(); ++i) {
          const double g = grad[i] + sgd.weight_decay * weight[i];
          velocity[i] = sgd.momentum * velocity[i] + g;
          weight[i] -= sgd.lr * (nesterov ? g + sgd.momentum * velocity[i] : velocity[i]);
        }
      }
      CHECK(difference(w.to_doubles(), weight, tolerance) == "");
    }
  });
}

TEST_CASE("adam_step and average_step follow PyTorch's formulas", "[kernels]") {
  on_all([](Device device, DType dtype) {
    const int64_t n = 300;
    const double tolerance = dtype == DType::bfloat16 ? 3e-2 : 1e-5;
    for (bool decoupled : {false, true}) {
      const AdamRule adam{0.1, 0.8, 0.9, 1e-3, 0.05, decoupled};
      Tensor w = random_tensor({n}, dtype, device, 1), m = Tensor::zeros({n}, dtype, device);
      Tensor v = m.clone(), average = m.clone();
      Doubles weight = w.to_doubles(), first(weight.size()), second(first), mean(first);
      for (int t = 1; t <= 3; ++t) {
        Tensor g = random_tensor({n}, dtype, device, uint64_t(10 + t));
        const Tensor numbers = on_device(adam.numbers(t), device);
        const Doubles grad = g.to_doubles();
        dispatch("test", w, [&]<class T>(auto& here) {
          adam_step(here, numbers.read<double>(), g.read<T>(), m.write<T>(), v.write<T>(),
                    w.write<T>());
          average_step(here, 0.75, w.read<T>(), average.write<T>());
        });
        for (std::size_t i = 0; i < grad.size(); ++i) {
          double d = grad[i];
          if (decoupled)
            weight[i] *= 1 - 0.1 * 0.05;
          else
            d += 0.05 * weight[i];
          first[i] = 0.8 * first[i] + 0.2 * d;
          second[i] = 0.9 * second[i] + 0.1 * d * d;
          weight[i] -= 0.1 * first[i] / (1 - std::pow(0.8, t)) /
                       (std::sqrt(second[i] / (1 - std::pow(0.9, t))) + 1e-3);
          mean[i] = 0.75 * mean[i] + 0.25 * weight[i];
        }
      }
      CHECK(difference(w.to_doubles(), weight, tolerance) == "");
      CHECK(difference(average.to_doubles(), mean, tolerance) == "");
    }
  });
}

TEST_CASE("sum_of_squares adds all squares", "[kernels]") {
  on_all([](Device device, DType dtype) {
    for (int64_t n : {1, 31, 5000, 100000}) {
      if (device.kind() == Device::Kind::sim && n > 5000) continue;
      Tensor x = random_tensor({n}, dtype, device, 1);
      double wanted = 0;
      for (double v : x.to_doubles()) wanted += v * v;
      Tensor scratch = Tensor::empty({sum_of_squares_scratch(n)}, accumulator_dtype(x), device);
      Tensor result = Tensor::empty({1}, accumulator_dtype(x), device);
      dispatch("test", x, [&]<class T>(auto& here) {
        using A = acc_t<T>;
        sum_of_squares(here, x.read<T>(), scratch.write<A>(), result.write<A>());
      });
      CHECK(result.item() == Approx(wanted).epsilon(1e-5));
    }
  });
}

TEST_CASE("a step follows the sign of the gradient", "[attack]") {
  on_all([](Device device, DType dtype) {
    const Doubles g = {1e-30, -1e-30, 0, NAN, INFINITY, -3};
    Tensor x0 = Tensor::zeros({2, 3}, dtype, device), x = x0.clone();
    Tensor grad = Tensor::from(g, {2, 3}).to(dtype).to(device);
    Tensor size = Tensor::from(Doubles{0.25, 0.5, 1}, {3}).to(dtype).to(device);
    const Box box = box_of({0.375, 8, 8}, {-9, -9, -9}, {9, 9, 0.5}, dtype, device);
    step(x0, grad, size, box, x);
    CHECK(x.to_doubles() == Doubles{0.25, -0.5, 0, 0, 0.5, -1});
    step(x0, grad, size, box, x);
    CHECK(x.to_doubles() == Doubles{0.375, -1, 0, 0, 1, -2});
  });
}

TEST_CASE("attacks never leave their box, not by a single bit", "[attack]") {
  on_all([](Device device, DType dtype) {
    const int64_t rows = device.kind() == Device::Kind::sim ? 200 : 20000;
    // eps that no binary fraction holds, against values of all magnitudes
    const Box box =
        box_of({8 / 255. / 0.229, 0.1, 1 / 3.}, {-2.1, -0.75, -2}, {2.2, 1.9, 0.5}, dtype, device);
    Tensor big = random_tensor({rows / 2, 3}, dtype, device, 1, -0.75, 0.5);
    Tensor small = random_tensor({rows / 2, 3}, dtype, device, 2, -1e-3, 1e-3);
    for (const Tensor& x0 : {big, small}) {
      Tensor x = Tensor::empty_like(x0);
      start(x0, {5, Purpose::attack}, box, x);
      check_inside(x, x0, box);
      Tensor size = Tensor::from(Doubles{0.07, 0.03, 0.11}, {3}).to(dtype).to(device);
      for (uint64_t t = 0; t < 6; ++t) {
        step(x0, random_tensor(x0.shape(), dtype, device, 20 + t / 3), size, box, x);
        check_inside(x, x0, box);
      }
    }
  });
}

TEST_CASE("a random start is uniform and named by its key", "[attack]") {
  for (Device device : test_devices()) {
    const int64_t rows = device.kind() == Device::Kind::sim ? 300 : 30000;
    const Box box = box_of({0.5, 0.25}, {-9, -9}, {9, 9}, DType::float32, device);
    Tensor x0 = Tensor::zeros({rows, 2}, DType::float32, device);
    Tensor x = Tensor::empty_like(x0), again = x.clone(), other = x.clone();
    start(x0, {5, Purpose::attack, 1}, box, x);
    start(x0, {5, Purpose::attack, 1}, box, again);
    start(x0, {5, Purpose::attack, 2}, box, other);
    CHECK(same_bits(x, again));
    CHECK(!same_bits(x, other));
    double mean = 0, square = 0;
    const Doubles v = x.to_doubles();
    for (std::size_t i = 0; i < v.size(); i += 2) {
      mean += v[i] / double(rows);
      square += v[i] * v[i] / double(rows);
    }
    const double spread = 1 / std::sqrt(double(rows));
    CHECK(std::abs(mean) < 2 * spread);
    CHECK(square == Approx(0.25 / 3).margin(spread));
  }
}

TEST_CASE("attacks take at least 3000 channels", "[attack]") {
  for (int64_t C : {1, 251, 253, 1024, 3000}) {
    const Doubles one(std::size_t(C), 1.0), low(std::size_t(C), -9.0), high(std::size_t(C), 9.0);
    const Box box = box_of(one, low, high, DType::float64, {});
    Tensor x0 = random_tensor({3, C}, DType::float64, {}, 1), x = x0.clone();
    step(x0, Tensor::full({3, C}, 2, DType::float64), box.eps, box, x);
    CHECK(x.to_doubles()[std::size_t(C - 1)] == Approx(x0.to_doubles()[std::size_t(C - 1)] + 1));
  }
  const Box box =
      box_of(Doubles(4000, 1.0), Doubles(4000, -9.0), Doubles(4000, 9.0), DType::float64, {});
  Tensor x = Tensor::zeros({1, 4000}, DType::float64);
  CHECK_THROWS_AS(step(x, x, box.eps, box, x.clone()), DeviceError);
}

}  // namespace tweed
