// What rows of op_cases.h cannot say of functions, extremes, variances, norms and top-k: ties, NaN
// and infinity, large means, slabs, places, errors.
#include <algorithm>
#include <cmath>

#include "autograd/argmax.h"
#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "tests/catch.h"
#include "tests/ops/on_all.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;
using Ints = std::vector<int32_t>;
const double nan = NAN, inf = INFINITY;

// `of` makes a tensor on each device in each dtype.
template <class F>
void with_maker(F f) {
  on_all([&](Device device, DType dtype) {
    f([=](const Doubles& values, const Shape& shape) {
      return Tensor::from(values, shape).to(dtype).to(device);
    });
  });
}

// y and the gradient of its sum against what is wanted.
template <class F>
void check(F f, const Tensor& x, const Doubles& y, const Doubles& dx, double tolerance = 0) {
  const Tensor leaf = require_grad(x.clone());
  const Tensor result = f(leaf);
  CHECK(difference(result.to_doubles(), y, tolerance) == "");
  const Tensor ones = Tensor::full(result.shape(), 1, result.dtype(), result.device());
  CHECK(difference(grad_of(result, {leaf}, false, ones)[0].to_doubles(), dx, tolerance) == "");
}

}  // namespace

TEST_CASE("functions at kinks, NaN and infinity are PyTorch's", "[ops]") {
  with_maker([](auto of) {
    check([](auto& x) { return clamp(x, -1, 2); }, of({-2, -1, 0, 2, 3, nan, inf, -inf}, {8}),
          {-1, -1, 0, 2, 2, nan, 2, -1}, {0, 1, 1, 1, 0, 0, 0, 0});
    check([](auto& x) { return abs(x); }, of({-2, 0, 3, nan, -inf}, {5}), {2, 0, 3, nan, inf},
          {-1, 0, 1, 0, -1});
    check([](auto& x) { return sqrt(x); }, of({0, 4, inf, nan}, {4}), {0, 2, inf, nan},
          {inf, 0.25, 0, nan});
    check([](auto& x) { return pow(x, 0); }, of({0, 2, nan, inf}, {4}), {1, 1, 1, 1}, {0, 0, 0, 0});
    check([](auto& x) { return pow(x, 2); }, of({0, -2, nan, -inf}, {4}), {0, 4, nan, inf},
          {0, -4, nan, -inf});
    check([](auto& x) { return leaky_relu(x, 0.5); }, of({0, nan, inf, -inf}, {4}),
          {0, nan, inf, -inf}, {0.5, 0.5, 1, 0.5});
    check([](auto& x) { return elu(x, 2); }, of({0, nan, inf, -inf}, {4}), {0, nan, inf, -2},
          {2, 1, 1, 0});
    check([](auto& x) { return hardswish(x); }, of({-3, 3, nan, inf, -inf}, {5}),
          {0, 3, nan, inf, nan}, {0, 1, 1, 1, 0});
    check([](auto& x) { return sigmoid(x); }, of({nan, inf, -inf}, {3}), {nan, 1, 0}, {nan, 0, 0});
    check([](auto& x) { return tanh(x); }, of({nan, inf, -inf}, {3}), {nan, 1, -1}, {nan, 0, 0});
    check([](auto& x) { return softplus(x); }, of({nan, inf, -inf, 1e4}, {4}), {nan, inf, 0, 9984},
          {nan, 1, 0, 1}, 2e-3);
    check([](auto& x) { return mish(x); }, of({nan, 1e4, -1e4}, {3}), {nan, 9984, 0}, {nan, 1, 0},
          2e-3);
    for (auto f : {gelu, gelu_tanh, silu})
      check(f, of({nan, inf, -inf, 300, -300}, {5}), {nan, inf, nan, 300, 0}, {nan, nan, nan, 1, 0},
            1e-15);
  });
}

TEST_CASE("a tie gives half of the gradient to each of two, and NaN wins", "[ops]") {
  with_maker([](auto of) {
    const Tensor b = of({2, 1, 3, 1, nan, inf, inf}, {7});
    auto larger = [&](const Tensor& a) { return maximum(a, b); };
    auto smaller = [&](const Tensor& a) { return minimum(a, b); };
    const Tensor a = of({1, 2, 3, nan, 1, inf, -inf}, {7});
    check(larger, a, {2, 2, 3, nan, nan, inf, inf}, {0, 1, 0.5, 1, 1, 0.5, 0});
    check(smaller, a, {1, 1, 3, nan, nan, inf, -inf}, {1, 0, 0.5, 1, 1, 0.5, 1});
    // An infinite gradient does not reach a loser.
    const Tensor leaf = require_grad(of({1, 2}, {2}));
    const Tensor dx =
        grad_of(maximum(leaf, of({2, 1}, {2})), {leaf}, false, of({inf, inf}, {2}))[0];
    CHECK(difference(dx.to_doubles(), {0, inf}, 0) == "");
  });
}

TEST_CASE("extremes and norms share gradients among equals, and pass NaN on", "[ops]") {
  with_maker([](auto of) {
    auto rows = [](auto f) { return [=](const Tensor& x) { return f(x, {1}, false); }; };
    const Tensor x = of({1, 3, 3, nan, 1, 2, inf, inf, 0, -inf, -inf, 0}, {4, 3});
    check(rows([](auto& x, std::vector<int> a, bool k) { return max(x, a, k); }), x,
          {3, nan, inf, 0}, {0, 0.5, 0.5, nan, nan, nan, 0.5, 0.5, 0, 0, 0, 1});
    check(rows([](auto& x, std::vector<int> a, bool k) { return min(x, a, k); }), x,
          {1, nan, 0, -inf}, {1, 0, 0, nan, nan, nan, 0, 0, 1, 0.5, 0.5, 0});
    const Tensor finite = of({3, -4, 0, 0, 0, 0, -2, 2, 1}, {3, 3});
    check(rows([](auto& x, std::vector<int> a, bool k) { return norm_l1(x, a, k); }), finite,
          {7, 0, 5}, {1, -1, 0, 0, 0, 0, -1, 1, 1});
    check(rows([](auto& x, std::vector<int> a, bool k) { return norm_l2(x, a, k); }), finite,
          {5, 0, 3}, {0.6, -0.8, 0, 0, 0, 0, -2.0 / 3, 2.0 / 3, 1.0 / 3}, 4e-3);
    check(rows([](auto& x, std::vector<int> a, bool k) { return norm_linf(x, a, k); }), finite,
          {4, 0, 2}, {0, -1, 0, 0, 0, 0, -0.5, 0.5, 0});
    CHECK(max(of({-inf, -inf}, {2})).item() == -inf);
    CHECK(min(of({inf, inf}, {2})).item() == inf);
    // Down columns as along rows.
    CHECK(difference(max(of({1, nan, -inf, 2, 5, -inf}, {2, 3}), {0}).to_doubles(), {2, nan, -inf},
                     0) == "");
    CHECK(std::isnan(var(of({3}, {1}), {0}).item()));
    CHECK(var(of({3}, {1}), {0}, false, 0).item() == 0);
    CHECK(std::isnan(var(of({3, nan}, {2}), {0}).item()));
  });
}

TEST_CASE("a norm and its gradient survive squares beyond the range", "[ops]") {
  struct {
    DType dtype;
    double tiny, huge;
  } ranges[] = {{DType::float32, 1e-30, 1e30},
                {DType::bfloat16, 1e-30, 1e30},
                {DType::float64, 1e-200, 1e200}};
  for (Device device : test_devices())
    for (auto& range : ranges)
      for (double unit : {range.tiny, 1.0, range.huge}) {
        INFO(device.name() << " " << name_of(range.dtype) << " " << unit);
        const double digits = range.dtype == DType::bfloat16 ? 1e-2 : 1e-6;
        const Tensor x = require_grad(
            Tensor::from(Doubles{3 * unit, -4 * unit, 0}, {1, 3}).to(range.dtype).to(device));
        auto check_norm = [&](const Tensor& y, double wanted, const Doubles& slopes) {
          CHECK(y.item() / unit == Approx(wanted).epsilon(digits));
          const Tensor dy = Tensor::full(y.shape(), 1e10, range.dtype, device);
          const Doubles dx = grad_of(y, {x}, false, dy)[0].to_doubles();
          for (std::size_t i = 0; i < 3; ++i)
            CHECK(dx[i] / 1e10 == Approx(slopes[i]).epsilon(digits).margin(1e-30));
        };
        check_norm(norm_l2(x), 5, {0.6, -0.8, 0});
        check_norm(norm_l2(x, {1}), 5, {0.6, -0.8, 0});
        check_norm(norm_l2(norm_l2(x, {0})), 5, {0.6, -0.8, 0});  // columns of one
        CHECK(norm_l2(x, {}).to_doubles()[1] / unit == Approx(4).epsilon(digits));
      }
  CHECK(norm_l2(Tensor::from(Doubles{inf, 3}, {2})).item() == inf);
  CHECK(std::isnan(norm_l2(Tensor::from(Doubles{nan, 3}, {2})).item()));
  CHECK(norm_l2(Tensor::zeros({0})).item() == 0);
}

TEST_CASE("extremes over several slabs", "[ops]") {
  for (Device device : test_devices()) {
    const int64_t n = device.name() == "sim" ? 40000 : 300000;
    for (Shape shape : {Shape{n, 1}, Shape{n / 8, 8}}) {
      Tensor x = random_tensor(shape, DType::float32, device, 3);
      const Doubles v = x.to_doubles();
      Doubles most(std::size_t(shape[1]), -inf), least(std::size_t(shape[1]), inf);
      for (std::size_t i = 0; i < v.size(); ++i) {
        double &hi = most[i % most.size()], &lo = least[i % least.size()];
        hi = std::max(hi, v[i]);
        lo = std::min(lo, v[i]);
      }
      CHECK(difference(max(x, {0}).to_doubles(), most, 0) == "");
      CHECK(difference(min(x, {0}).to_doubles(), least, 0) == "");
    }
  }
}

TEST_CASE("variances do not cancel for a mean of 10,000", "[ops]") {
  for (Device device : test_devices()) {
    for (Shape shape : {Shape{3000, 2}, Shape{2, 3000}}) {
      const int axis = shape[0] > 2 ? 0 : 1;
      const Tensor x = random_tensor(shape, DType::float32, device, 1, 9999, 10001);
      const Doubles exact = var(x.to(DType::float64), {axis}).to_doubles();
      CHECK(difference(var(x, {axis}).to_doubles(), exact, 1e-5) == "");
    }
  }
}

TEST_CASE("places of extremes: the first of equals, NaN before all", "[ops]") {
  with_maker([](auto of) {
    const Tensor x = of({1, 3, 3, nan, 1, nan, -inf, -inf, -inf, 2, 1, 1}, {4, 3});
    CHECK(argmax(x).to_vector<int32_t>() == Ints{1, 0, 0, 0});
    CHECK(argmin(x).to_vector<int32_t>() == Ints{0, 0, 0, 1});
    CHECK(argmax(x, 0).to_vector<int32_t>() == Ints{1, 0, 1});
    CHECK(argmin(x, 0).to_vector<int32_t>() == Ints{1, 2, 1});
    CHECK(argmax(x, 0, true).shape() == Shape{1, 3});
    CHECK(argmax(x.reshape({2, 2, 3}), 1).to_vector<int32_t>() == Ints{1, 0, 1, 1, 1, 1});
    CHECK(argmax(x).dtype() == DType::int32);
    CHECK(argmax(x).device() == x.device());
    CHECK(argmax(of({}, {0, 3})).shape() == Shape{0});

    const TopK top = top_k(x, 2);
    CHECK(top.indexes.to_vector<int32_t>() == Ints{1, 2, 0, 2, 0, 1, 0, 1});
    CHECK(difference(top.values.to_doubles(), {3, 3, nan, nan, -inf, -inf, 2, 1}, 0) == "");
    CHECK(top_k(x, 3).indexes.to_vector<int32_t>() == Ints{1, 2, 0, 0, 2, 1, 0, 1, 2, 0, 1, 2});
    check([](auto& x) { return top_k(x, 2).values; }, x, {3, 3, nan, nan, -inf, -inf, 2, 1},
          {0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0});
  });
}

TEST_CASE("places in long rows and many columns", "[ops]") {
  for (Device device : test_devices()) {
    const int64_t n = 3001;
    Tensor x = random_tensor({2, n}, DType::float32, device, 5);
    const std::vector<float> v = x.to_vector<float>();
    Ints rows, columns;
    for (int64_t r = 0; r < 2; ++r)
      rows.push_back(int32_t(std::max_element(v.begin() + r * n, v.begin() + (r + 1) * n) -
                             v.begin() - r * n));
    for (std::size_t c = 0; c < std::size_t(n); ++c)
      columns.push_back(v[c + std::size_t(n)] > v[c]);
    CHECK(argmax(x).to_vector<int32_t>() == rows);
    CHECK(argmax(x, 0).to_vector<int32_t>() == columns);
    CHECK(top_k(x, 1).indexes.to_vector<int32_t>() == rows);
  }
}

TEST_CASE("wrong arguments of functions and folds are named", "[ops]") {
  const Tensor x = Tensor::zeros({2, 3}), empty = Tensor::zeros({0, 3});
  CHECK_THROWS_WITH(clamp(x, 2, 1), Contains("[clamp] from 2 to 1"));
  CHECK_THROWS_WITH(clamp(x, nan, 1), Contains("[clamp]"));
  CHECK_THROWS_WITH(gelu(Tensor::zeros({3}, DType::int32)), Contains("[gelu]"));
  CHECK_THROWS_WITH(maximum(x, Tensor::zeros({4})), Contains("[maximum] shapes (2, 3) and (4)"));
  CHECK_THROWS_WITH(where(x, x, x), Contains("[where] condition is float32, not uint8"));
  CHECK_THROWS_WITH(where(Tensor::zeros({5}, DType::uint8), x, x), Contains("[where] shapes"));
  CHECK_THROWS_WITH(max(empty, {0}), Contains("[max] no elements over the axes of (0, 3)"));
  CHECK(max(empty, {1}).shape() == Shape{0});
  CHECK_THROWS_WITH(min(x, {2}), Contains("[min] axis 2 of (2, 3)"));
  CHECK_THROWS_WITH(var(x, {0, 0}), Contains("twice"));
  CHECK_THROWS_WITH(argmax(x, 2), Contains("[argmax] axis 2 of (2, 3)"));
  CHECK_THROWS_WITH(argmin(empty, 0), Contains("[argmin] no elements along axis 0 of (0, 3)"));
  CHECK_THROWS_WITH(top_k(x, 4), Contains("[top_k] 4 of (2, 3)"));
  CHECK_THROWS_WITH(top_k(x, 0), Contains("[top_k] 0 of (2, 3)"));
}

}  // namespace tweed
