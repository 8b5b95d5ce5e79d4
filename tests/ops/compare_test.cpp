// Comparisons, what is made of masks, and casts.
#include <cmath>

#include "autograd/argmax.h"
#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "tests/catch.h"
#include "tests/ops/on_all.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;
using Mask = std::vector<uint8_t>;

struct Comparison {
  const char* name;
  Tensor (*of)(const Tensor&, const Tensor&);
  Tensor (*with)(const Tensor&, double);
  bool (*reference)(double, double);
};
const Comparison comparisons[] = {
    {"equal", equal, equal, [](double a, double b) { return a == b; }},
    {"not_equal", not_equal, not_equal, [](double a, double b) { return a != b; }},
    {"less", less, less, [](double a, double b) { return a < b; }},
    {"less_equal", less_equal, less_equal, [](double a, double b) { return a <= b; }},
    {"greater", greater, greater, [](double a, double b) { return a > b; }},
    {"greater_equal", greater_equal, greater_equal, [](double a, double b) { return a >= b; }},
};

constexpr DType all_dtypes[] = {DType::float32, DType::float64, DType::bfloat16,
                                DType::float16, DType::int32,   DType::uint8};

// Small numbers, of which many are equal; the floating ones with NaN and infinity.
Tensor numbers(const Shape& shape, DType dtype, Device device, int64_t step) {
  Doubles v;
  for (int64_t i = 0; i < shape.size(); ++i) {
    const int64_t n = i * step % 7;
    v.push_back(is_floating(dtype) && n == 5   ? NAN
                : is_floating(dtype) && n == 6 ? (i % 2 ? INFINITY : -INFINITY)
                                               : double(n));
  }
  return Tensor::from(v, shape).to(dtype).to(device);
}

void check_comparison(const Comparison& c, const Tensor& a, const Tensor& b) {
  const Shape shape = broadcast_shape(a.shape(), b.shape());
  const Doubles v = a.to_doubles(), w = b.to_doubles();
  Mask wanted;
  for (int64_t i = 0; i < shape.size(); ++i)
    wanted.push_back(c.reference(v[std::size_t(broadcast_index(a.shape(), shape, i))],
                                 w[std::size_t(broadcast_index(b.shape(), shape, i))]));
  const Tensor y = c.of(a, b);
  INFO(c.name << " of " << a.shape().str() << " and " << b.shape().str());
  CHECK(y.shape() == shape);
  CHECK(y.to_vector<uint8_t>() == wanted);
}

}  // namespace

TEST_CASE("comparisons are those of plain loops, for every dtype and shapes that broadcast") {
  const std::pair<Shape, Shape> shapes[] = {
      {{3, 5}, {3, 5}},       {{}, {}},         {{0, 3}, {3}},          {{2, 3, 1100}, {1100}},
      {{4}, {2, 3, 4}},       {{3, 1}, {3, 5}}, {{3, 2, 2}, {3, 1, 1}}, {{2, 3, 4}, {2, 1, 4}},
      {{2, 3, 4}, {1, 3, 1}}, {{3, 1}, {1, 4}}, {{}, {3, 5}},           {{2500}, {2500}},
  };
  for (Device device : test_devices())
    for (DType dtype : all_dtypes) {
      INFO(device.name() << " " << name_of(dtype));
      for (auto& c : comparisons)
        for (auto& [a, b] : shapes)
          check_comparison(c, numbers(a, dtype, device, 3), numbers(b, dtype, device, 4));
    }
}

TEST_CASE("comparisons with a number are those of plain loops") {
  for (Device device : test_devices())
    for (DType dtype : all_dtypes)
      for (auto& c : comparisons)
        for (double v : {3.0, 2.5, double(INFINITY), double(NAN)}) {
          INFO(device.name() << " " << name_of(dtype) << " " << c.name << " " << v);
          const Tensor x = numbers({5, 7}, dtype, device, 3);
          Mask wanted;
          for (double element : x.to_doubles()) wanted.push_back(c.reference(element, v));
          CHECK(c.with(x, v).to_vector<uint8_t>() == wanted);
        }
}

TEST_CASE("operators compare on both sides, and where takes what they give") {
  on_all([](Device device, DType dtype) {
    const Tensor x = Tensor::from<double>({-1, 0, 2}, {3}).to(dtype).to(device);
    const Tensor zero = x * 0;
    auto mask = [](const Tensor& t) { return t.to_vector<uint8_t>(); };
    CHECK(mask(x < zero) == Mask{1, 0, 0});
    CHECK(mask(x <= zero) == Mask{1, 1, 0});
    CHECK(mask(x > zero) == Mask{0, 0, 1});
    CHECK(mask(x >= zero) == Mask{0, 1, 1});
    CHECK(mask(x < 2) == Mask{1, 1, 0});
    CHECK(mask(x <= 0) == Mask{1, 1, 0});
    CHECK(mask(x > -1) == Mask{0, 1, 1});
    CHECK(mask(x >= 2) == Mask{0, 0, 1});
    CHECK(mask(2 > x) == Mask{1, 1, 0});
    CHECK(mask(0 >= x) == Mask{1, 1, 0});
    CHECK(mask(-1 < x) == Mask{0, 1, 1});
    CHECK(mask(2 <= x) == Mask{0, 0, 1});
    CHECK(where(x < 0, -x, x).to_doubles() == Doubles{1, 0, 2});
    CHECK((4 / x).to_doubles() == Doubles{-4, INFINITY, 2});
    // As relu.
    const Tensor leaf = require_grad(x.clone());
    CHECK(grad_of(sum(where(leaf > 0, leaf, zero)), {leaf})[0].to_doubles() == Doubles{0, 0, 1});
  });
}

TEST_CASE("masks are combined, and whatever is not 0 counts as yes") {
  for (Device device : test_devices()) {
    const Tensor a = Tensor::from<uint8_t>({0, 0, 1, 2}, {4}, device);
    const Tensor b = Tensor::from<uint8_t>({0, 5, 0, 1}, {4}, device);
    CHECK(logical_and(a, b).to_vector<uint8_t>() == Mask{0, 0, 0, 1});
    CHECK(logical_or(a, b).to_vector<uint8_t>() == Mask{0, 1, 1, 1});
    CHECK(logical_xor(a, b).to_vector<uint8_t>() == Mask{0, 1, 1, 0});
    CHECK(logical_not(a).to_vector<uint8_t>() == Mask{1, 1, 0, 0});
    const Tensor column = Tensor::from<uint8_t>({1, 0}, {2, 1}, device);
    CHECK(logical_and(a, column).to_vector<uint8_t>() == Mask{0, 0, 1, 1, 0, 0, 0, 0});
    CHECK(logical_or(column, a).to_vector<uint8_t>() == Mask{1, 1, 1, 1, 0, 0, 1, 1});
  }
}

TEST_CASE("what is NaN, infinite and finite is told apart") {
  on_all([](Device device, DType dtype) {
    const Tensor x = Tensor::from<double>({NAN, -NAN, INFINITY, -INFINITY, 0, 1e38, -1e-38}, {7})
                         .to(dtype)
                         .to(device);
    CHECK(isnan(x).to_vector<uint8_t>() == Mask{1, 1, 0, 0, 0, 0, 0});
    CHECK(isinf(x).to_vector<uint8_t>() == Mask{0, 0, 1, 1, 0, 0, 0});
    CHECK(isfinite(x).to_vector<uint8_t>() == Mask{0, 0, 0, 0, 1, 1, 1});
  });
}

TEST_CASE("accuracy is a comparison, a cast and a mean") {
  for (Device device : test_devices()) {
    const Tensor logits = Tensor::from<float>({1, 3, 2, 5, 4, 4, 0, 0, 0}, {3, 3}, device);
    const Tensor labels = Tensor::from<int32_t>({1, 2, 0}, {3}, device);
    CHECK(mean(cast(equal(argmax(logits), labels), DType::float64)).item() == 2. / 3);
  }
}

TEST_CASE("casts between all dtypes; gradients flow between floating ones alone") {
  for (Device device : test_devices())
    for (DType from : all_dtypes)
      for (DType to : all_dtypes) {
        INFO(device.name() << " " << name_of(from) << " to " << name_of(to));
        const bool fractions = is_floating(from);
        const Tensor x =
            Tensor::from<double>({0, fractions ? 2.75 : 2, 200}, {3}).to(from).to(device);
        const Tensor y = cast(x, to);
        CHECK(y.dtype() == to);
        CHECK(y.to_doubles() == Doubles{0, fractions && is_floating(to) ? 2.75 : 2, 200});
        if (!fractions) continue;
        const Tensor leaf = require_grad(x.clone());
        CHECK(requires_grad(cast(leaf, to)) == is_floating(to));
        if (is_floating(to)) {
          const Tensor wide = cast(cast(leaf, to), DType::float32);
          const Tensor dx = grad_of(sum(wide * 2), {leaf})[0];
          CHECK(dx.dtype() == from);
          CHECK(dx.to_doubles() == Doubles{2, 2, 2});
        }
      }
}

TEST_CASE("float16 is kept, moved and compared; who computes in it is told how not to") {
  for (Device device : test_devices()) {
    INFO(device.name());
    // The first rows in packs of 16 bytes, the last column and the end in single elements.
    const Tensor wide = random_tensor({7, 5, 3}, DType::float32, device, 3, -4, 4);
    const Tensor x = cast(wide, DType::float16), kept = cast(x, DType::float32);
    CHECK(same_bits(permute(x, {2, 0, 1}), cast(permute(kept, {2, 0, 1}), DType::float16)));
    CHECK(same_bits(slice(x, 1, 1, 4), cast(slice(kept, 1, 1, 4), DType::float16)));
    CHECK(same_bits(concat({x, flip(x, 0)}, 2),
                    cast(concat({kept, flip(kept, 0)}, 2), DType::float16)));
    CHECK(same_bits(less(x, 0.5), less(kept, 0.5)));
    const Tensor edges =
        Tensor::from<double>({NAN, INFINITY, -INFINITY, 65504, 0}, {5}).to(DType::float16);
    CHECK(isnan(edges.to(device)).to_vector<uint8_t>() == Mask{1, 0, 0, 0, 0});
    CHECK(isinf(edges.to(device)).to_vector<uint8_t>() == Mask{0, 1, 1, 0, 0});
    CHECK(isfinite(edges.to(device)).to_vector<uint8_t>() == Mask{0, 0, 0, 1, 1});

    // Gradients of several uses add up in float32, each sum rounded.
    const Tensor leaf = require_grad(Tensor::full({2, 2}, 1, DType::float16, device));
    const auto uses = [&] {
      const Tensor once = sum(cast(leaf, DType::float32)) * 2048;
      return once + sum(cast(permute(leaf, {1, 0}), DType::float32)) * 3;
    };
    const Tensor dx = grad_of(uses(), {leaf})[0];
    CHECK(dx.dtype() == DType::float16);
    CHECK(dx.to_doubles() == Doubles(4, 2052));  // 2051 lies between 2050 and 2052
    backward(uses());
    backward(sum(cast(leaf, DType::float32)));
    CHECK(grad(leaf).to_doubles() == Doubles(4, 2052));  // 2053: of 2052 and 2054 the even one

    const auto refused = Contains("float16, which is for keeping numbers: convert to float32 or ");
    CHECK_THROWS_WITH(add(x, x), Contains("[add] does not compute in ") && refused);
    CHECK_THROWS_WITH(sum(x), Contains("[sum]") && refused);
    CHECK_THROWS_WITH(relu(x), refused);
  }
}

TEST_CASE("comparisons say what is wrong with their arguments") {
  const Tensor x = Tensor::zeros({2, 3}), bytes = Tensor::zeros({2, 3}, DType::uint8);
  CHECK_THROWS_WITH(less(x, Tensor::zeros({4})), Contains("[less] shapes (2, 3) and (4)"));
  CHECK_THROWS_WITH(equal(x, bytes), Contains("[equal] dtypes float32 and uint8"));
  CHECK_THROWS_WITH(logical_and(bytes, x), Contains("[logical_and] float32, not uint8"));
  CHECK_THROWS_WITH(logical_not(x), Contains("[logical_not] float32, not uint8"));
  CHECK_THROWS_WITH(isnan(bytes), Contains("[isnan] needs a floating dtype, not uint8"));
  CHECK_THROWS_WITH(isinf(bytes), Contains("[isinf] needs a floating dtype, not uint8"));
}

}  // namespace tweed
