// Attention with masks, shared heads of keys and scales: special values, many threads, errors.
#include <cmath>

#include "autograd/attention.h"
#include "autograd/elementwise.h"
#include "autograd/graph_stats.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "tests/catch.h"
#include "tests/ops/on_all.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;
using Bytes = std::vector<uint8_t>;
const double nan = NAN, inf = INFINITY;

// The result of queries q, keys k and values v, and the gradients of q, k, v and, if it takes one,
// the mask.
std::vector<Tensor> attend(std::vector<Tensor> in, const AttentionOptions& options) {
  const Tensor y = scaled_dot_product_attention(in[0], in[1], in[2], options);
  if (options.mask.defined() && requires_grad(options.mask)) in.push_back(options.mask);
  const Tensor dy = random_tensor(y.shape(), DType::bfloat16, {}, 9).to(y.dtype()).to(y.device());
  std::vector<Tensor> all = {y};
  for (auto& g : grad_of(y, in, false, dy)) all.push_back(g);
  return all;
}

std::vector<Tensor> inputs(const Shape& q, const Shape& k, DType dtype, Device device) {
  std::vector<Tensor> in;
  for (auto& shape : {q, k, k}) {
    const auto seed = uint64_t(in.size());
    const Tensor t = random_tensor(shape, DType::bfloat16, {}, seed, -2, 2);
    in.push_back(require_grad(t.to(dtype).to(device)));
  }
  return in;
}

double tolerance(DType dtype) {
  return dtype == DType::float64 ? 1e-13 : dtype == DType::float32 ? 5e-6 : 2e-2;
}

// Every third pair may not attend.
Bytes some_pairs(int64_t count) {
  Bytes bytes;
  for (int64_t i = 0; i < count; ++i) bytes.push_back(i * 7 % 3 != 0);
  return bytes;
}
// The same as numbers: 0, or minus infinity.
Tensor as_numbers(const Bytes& bytes, const Shape& shape, DType dtype, Device device) {
  Doubles numbers;
  for (uint8_t b : bytes) numbers.push_back(b ? 0 : -inf);
  return Tensor::from(numbers, shape).to(dtype).to(device);
}

void check_same(const std::vector<Tensor>& got, const std::vector<Tensor>& wanted, double error) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    INFO("result " << i);
    CHECK(difference(got[i].to_doubles(), wanted[i].to_doubles(), error) == "");
  }
}

}  // namespace

TEST_CASE("a query that may attend to nothing has a result of 0 and no gradient", "[ops]") {
  on_all([](Device device, DType dtype) {
    constexpr int64_t L = 3, S = 40, D = 8;
    const auto in = inputs({1, 1, L, D}, {1, 1, S, D}, dtype, device);
    Bytes bytes(std::size_t(L * S), 1);
    for (int64_t j = 0; j < S; ++j) bytes[std::size_t(S + j)] = 0;
    const Tensor numbers = require_grad(as_numbers(bytes, {L, S}, dtype, device));
    for (bool causal : {false, true})
      for (auto& mask : {Tensor::from(bytes, {L, S}, device), numbers}) {
        const auto all = attend(in, {.causal = causal, .mask = mask});
        for (auto& t : all)
          for (double v : t.to_doubles()) CHECK(std::isfinite(v));
        for (std::size_t t : {0, 1})
          for (int64_t d = 0; d < D; ++d) CHECK(all[t].to_doubles()[std::size_t(D + d)] == 0);
        CHECK(all[0].to_doubles()[0] != 0);
      }
    // All of them, and none of what there is.
    const auto none = attend(in, {.mask = Tensor::from(Bytes{0}, {1}, device)});
    for (auto& t : none)
      for (double v : t.to_doubles()) CHECK(v == 0);
  });
}

TEST_CASE("a key that is hidden changes nothing, not even as NaN", "[ops]") {
  on_all([](Device device, DType dtype) {
    constexpr int64_t L = 20, S = 40, D = 4, hidden = 17;
    Bytes bytes(std::size_t(S), 1);
    bytes[hidden] = 0;
    auto run = [&](double factor, const Tensor& mask) {
      auto in = inputs({1, 2, L, D}, {1, 2, S, D}, dtype, device);
      for (std::size_t t : {1, 2}) {
        Doubles v = in[t].to_doubles();
        for (std::size_t head : {0, 1})
          for (std::size_t d = 0; d < D; ++d) v[(head * S + hidden) * D + d] *= factor;
        in[t] = require_grad(Tensor::from(v, {1, 2, S, D}).to(dtype).to(device));
      }
      return attend(in, {.mask = mask});
    };
    for (auto& mask : {Tensor::from(bytes, {S}, device), as_numbers(bytes, {S}, dtype, device)}) {
      const auto clean = run(1, mask);
      for (double v : slice(clean[2], 2, hidden, hidden + 1).to_doubles()) CHECK(v == 0);
      for (double v : slice(clean[3], 2, hidden, hidden + 1).to_doubles()) CHECK(v == 0);
      const auto poisoned = run(nan, mask);
      for (std::size_t i = 0; i < clean.size(); ++i) CHECK(same_bits(poisoned[i], clean[i]));
    }
  });
}

TEST_CASE("bytes and minus infinity hide alike, and a triangle is what causal hides", "[ops]") {
  on_all([](Device device, DType dtype) {
    const auto in = inputs({2, 2, 35, 8}, {2, 2, 37, 8}, dtype, device);
    const Shape pairs = {2, 1, 35, 37};
    const Bytes bytes = some_pairs(pairs.size());
    const auto by_bytes = attend(in, {.mask = Tensor::from(bytes, pairs, device)});
    const auto by_numbers = attend(in, {.mask = as_numbers(bytes, pairs, dtype, device)});
    for (std::size_t i = 0; i < by_bytes.size(); ++i) CHECK(same_bits(by_bytes[i], by_numbers[i]));
    Bytes triangle;
    for (int i = 0; i < 35; ++i)
      for (int j = 0; j < 37; ++j) triangle.push_back(j <= i);
    check_same(attend(in, {.mask = Tensor::from(triangle, {35, 37}, device)}),
               attend(in, {.causal = true}), tolerance(dtype));
  });
}

TEST_CASE("shared heads of keys are as if each were there several times", "[ops]") {
  on_all([](Device device, DType dtype) {
    for (bool causal : {false, true}) {
      const Shape k = {2, 2, 37, 8};
      const auto in = inputs({2, 6, 19, 8}, k, dtype, device);
      const AttentionOptions options = {
          .causal = causal, .mask = Tensor::from(some_pairs(6 * 37), {6, 1, 37}, device)};
      const auto got = attend(in, options);
      auto copies = [&](const Tensor& t) {
        return reshape(expand(reshape(t, {2, 2, 1, 37, 8}), {2, 2, 3, 37, 8}), {2, 6, 37, 8});
      };
      const Tensor y = scaled_dot_product_attention(in[0], copies(in[1]), copies(in[2]), options);
      std::vector<Tensor> wanted = {y};
      const Tensor dy = random_tensor(y.shape(), DType::bfloat16, {}, 9).to(dtype).to(device);
      for (auto& g : grad_of(y, in, false, dy)) wanted.push_back(g);
      check_same(got, wanted, tolerance(dtype));
    }
  });
}

TEST_CASE("masked attention has the same bits for any number of threads", "[ops]") {
  check_any_threads([] {
    const auto in = inputs({2, 4, 70, 8}, {2, 2, 66, 8}, DType::float32, {});
    const Tensor mask = require_grad(random_tensor({4, 70, 66}, DType::float32, {}, 8));
    return attend(in, {.causal = true, .mask = mask});
  });
}

TEST_CASE("attention passes NaN of a mask, and saves what it says", "[ops]") {
  on_all([](Device device, DType dtype) {
    const Tensor q = Tensor::zeros({1, 1, 2, 1}, dtype, device);
    const Tensor v = Tensor::from(Doubles{2, 4}, {1, 1, 2, 1}).to(dtype).to(device);
    auto numbers = [&](const Doubles& n) { return Tensor::from(n, {2, 2}).to(dtype).to(device); };
    auto result = [&](const Doubles& mask) {
      return scaled_dot_product_attention(q, q, v, {.mask = numbers(mask)}).to_doubles();
    };
    CHECK(difference(result({0, nan, 0, 0}), {nan, 3}, 0) == "");
    CHECK(difference(result({-inf, 0, 0, -inf}), {4, 2}, 0) == "");
    CHECK(difference(result({inf, 0, 0, 0}), {nan, 3}, 0) == "");
  });
  const auto in = inputs({1, 2, 10, 4}, {1, 2, 10, 4}, DType::float32, {});
  const Tensor mask = Tensor::from(Bytes(100, 1), {10, 10});
  // q, k, v and the result, a number for each query, the mask.
  CHECK(
      graph_stats(scaled_dot_product_attention(in[0], in[1], in[2], {.mask = mask})).saved_bytes ==
      4 * (4 * 80 + 20) + 100);
}

TEST_CASE("attention says what is wrong with a mask or with heads", "[ops]") {
  const Tensor q = Tensor::zeros({2, 4, 9, 16}), k = Tensor::zeros({2, 4, 7, 16});
  auto with = [&](const Tensor& mask) {
    return scaled_dot_product_attention(q, k, k, {.mask = mask});
  };
  CHECK_THROWS_WITH(with(Tensor::zeros({9, 8})),
                    "[scaled_dot_product_attention] the mask is (9, 8), which does not broadcast "
                    "to (2, 4, 9, 7)");
  CHECK_THROWS_WITH(with(Tensor::zeros({1, 2, 4, 9, 7})), Contains("does not broadcast"));
  CHECK_THROWS_WITH(with(Tensor::zeros({9, 7}, DType::float64)),
                    "[scaled_dot_product_attention] the mask is float64: uint8 or float32 would be "
                    "one");
  const Tensor three = Tensor::zeros({2, 3, 7, 16});
  CHECK_THROWS_WITH(
      scaled_dot_product_attention(q, three, three),
      "[scaled_dot_product_attention] q is (2, 4, 9, 16), k (2, 3, 7, 16), v (2, 3, 7, 16)");
}

}  // namespace tweed
