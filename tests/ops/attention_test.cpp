// Attention beside its plain form, special values, many threads, errors; the layer.
#include "autograd/attention.h"

#include <cmath>

#include "apps/paths.h"
#include "autograd/elementwise.h"
#include "autograd/graph_stats.h"
#include "autograd/loss.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "nn/attention.h"
#include "nn/init.h"
#include "record/safetensors.h"
#include "tests/catch.h"
#include "tests/ops/on_all.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;
const double nan = NAN, inf = INFINITY;

// As in textbooks, with the matrix of scores.
Tensor plain_attention(const Tensor& q, const Tensor& k, const Tensor& v, bool causal = false) {
  Tensor scores = matmul(q, k, {.transpose_b = true}) * (1 / std::sqrt(double(q.dim(-1))));
  if (causal) {
    const int64_t L = q.dim(2), S = k.dim(2);
    Doubles hidden(static_cast<std::size_t>(L * S));
    for (int64_t i = 0; i < L; ++i)
      for (int64_t j = i + 1; j < S; ++j) hidden[std::size_t(i * S + j)] = -inf;
    scores = scores + Tensor::from(hidden, {L, S}).to(q.dtype()).to(q.device());
  }
  return matmul(softmax(scores), v);
}

}  // namespace

// Attention and its gradients against operations that materialise the scores.
static void check_like_plain(const std::vector<Tensor>& in, bool causal) {
  const Tensor y = scaled_dot_product_attention(in[0], in[1], in[2], causal);
  const Tensor wanted = plain_attention(in[0], in[1], in[2], causal);
  const double tolerance = y.dtype() == DType::float32 ? 5e-6 : 1e-13;
  CHECK(difference(y.to_doubles(), wanted.to_doubles(), tolerance) == "");
  const Tensor dy = random_tensor(y.shape(), y.dtype(), y.device(), 4);
  const auto gradients = grad_of(y, in, false, dy), plain = grad_of(wanted, in, false, dy);
  for (std::size_t i = 0; i < in.size(); ++i) {
    INFO("gradient " << i);
    CHECK(difference(gradients[i].to_doubles(), plain[i].to_doubles(), tolerance) == "");
  }
}

TEST_CASE("fused attention equals the plain form, with its gradients", "[ops]") {
  struct {
    int64_t N, heads, L, S, D;
  } shapes[] = {{2, 3, 70, 65, 10}, {1, 1, 33, 31, 100}, {1, 1, 9, 33, 128}, {32, 4, 64, 64, 48}};
  for (auto& s : shapes)
    for (DType dtype : {DType::float32, DType::float64})
      for (Device device : test_devices()) {
        if (s.N > 2 && (device.name() == "sim" || dtype == DType::float64)) continue;
        INFO(device.name() << " " << name_of(dtype) << " D " << s.D);
        auto values = [&](int64_t rows, uint64_t seed) {
          const Shape shape = {s.N, s.heads, rows, s.D};
          return require_grad(random_tensor(shape, dtype, device, seed, -2, 2));
        };
        const std::vector<Tensor> in = {values(s.L, 1), values(s.S, 2), values(s.S, 3)};
        check_like_plain(in, false);
      }
}

TEST_CASE("attention in bfloat16, on tensor cores where there are some, is near float64's",
          "[ops]") {
  struct {
    int64_t N, heads, L, S, D;
  } shapes[] = {{2, 3, 70, 65, 8}, {1, 2, 64, 130, 24}, {1, 1, 33, 31, 40}, {1, 2, 64, 64, 48},
                {1, 1, 9, 33, 64}, {1, 1, 1, 20, 72},   {1, 1, 66, 35, 128}};
  for (auto& s : shapes)
    for (Device device : test_devices()) {
      INFO(device.name() << " " << s.L << " " << s.S << " D " << s.D);
      auto attend = [&](DType dtype, Device device) {
        std::vector<Tensor> in;
        for (int64_t rows : {s.L, s.S, s.S}) {
          const auto seed = uint64_t(in.size());
          const Tensor t =
              random_tensor({s.N, s.heads, rows, s.D}, DType::bfloat16, {}, seed, -2, 2);
          in.push_back(require_grad(t.to(dtype).to(device)));
        }
        const Tensor y = dtype == DType::float64
                             ? plain_attention(in[0], in[1], in[2])
                             : scaled_dot_product_attention(in[0], in[1], in[2]);
        const Tensor dy = random_tensor(y.shape(), DType::bfloat16, {}, 4).to(dtype).to(device);
        std::vector<Tensor> all = {y};
        for (auto& g : grad_of(y, in, false, dy)) all.push_back(g);
        return all;
      };
      const auto got = attend(DType::bfloat16, device), wanted = attend(DType::float64, {});
      for (std::size_t i = 0; i < got.size(); ++i) {
        INFO("result " << i);
        CHECK(difference(got[i].to_doubles(), wanted[i].to_doubles(), 1e-2) == "");
      }
    }
}

TEST_CASE("causal attention with far more keys than queries, and far fewer", "[ops]") {
  struct {
    int64_t L, S, D;
  } shapes[] = {{3, 65, 8}, {16, 40, 16}, {1, 130, 5}, {2, 70, 128},
                {65, 3, 8}, {40, 16, 16}, {130, 1, 5}, {70, 2, 128}};
  for (auto& s : shapes)
    for (DType dtype : {DType::float32, DType::float64})
      for (Device device : test_devices()) {
        INFO(device.name() << " " << name_of(dtype) << " L " << s.L << " S " << s.S << " D "
                           << s.D);
        auto values = [&](int64_t rows, uint64_t seed) {
          return require_grad(random_tensor({2, 1, rows, s.D}, dtype, device, seed));
        };
        const std::vector<Tensor> in = {values(s.L, 1), values(s.S, 2), values(s.S, 3)};
        check_like_plain(in, true);
      }
}

TEST_CASE("a key that is later than a query changes nothing, not even as NaN", "[ops]") {
  constexpr int64_t L = 70, D = 5, at = 37;
  for (Device device : test_devices())
    for (DType dtype : {DType::float32, DType::float64}) {
      // q, k, v and dy, of which some have one token times `factor`: y, dq, dk and dv.
      auto run = [&](const std::vector<bool>& poisoned, double factor) {
        std::vector<Tensor> in;
        for (std::size_t t = 0; t < 4; ++t) {
          Doubles v = random_tensor({L * D}, dtype, {}, t).to_doubles();
          for (int64_t i = at * D; poisoned[t] && i < (at + 1) * D; ++i)
            v[std::size_t(i)] *= factor;
          in.push_back(require_grad(Tensor::from(v, {1, 1, L, D}).to(dtype).to(device)));
        }
        const Tensor y = scaled_dot_product_attention(in[0], in[1], in[2], true);
        std::vector<Tensor> all = {y};
        for (auto& g : grad_of(y, {in[0], in[1], in[2]}, false, in[3])) all.push_back(g);
        return all;
      };
      auto check = [&](const std::vector<bool>& poisoned, const std::vector<std::size_t>& results,
                       int64_t first, int64_t last) {
        const auto clean = run(poisoned, 1);
        for (double factor : {nan, inf, -inf}) {
          const auto got = run(poisoned, factor);
          for (std::size_t t : results) {
            INFO(device.name() << " " << name_of(dtype) << " " << factor << " result " << t);
            auto part = [&](const Tensor& x) { return x.reshape({L, D}).slice(first, last); };
            CHECK(same_bits(part(got[t]), part(clean[t])));
            CHECK(!same_bits(got[t], clean[t]));
          }
        }
      };
      check({false, true, true, false}, {0, 1}, 0, at);      // earlier queries' y and dq
      check({true, false, false, true}, {2, 3}, at + 1, L);  // later keys' dk and dv
    }
}

TEST_CASE("attention keeps no matrix of scores", "[ops]") {
  const Tensor qkv = require_grad(random_tensor({1, 1000, 24}));
  // qkv, the result, and a number per query and head.
  CHECK(graph_stats(attention(qkv, 2)).saved_bytes == 4 * 1000 * (24 + 8 + 2));
}

TEST_CASE("attention passes NaN and infinity as the plain form does", "[ops]") {
  for (Device device : test_devices())
    for (DType dtype : {DType::float64, DType::float32, DType::bfloat16}) {
      INFO(device.name() << " " << name_of(dtype));
      auto column = [&](const Doubles& v) {
        return Tensor::from(v, {1, 1, int64_t(v.size()), 1}).to(dtype).to(device);
      };
      auto attend = [&](const Doubles& q, const Doubles& k, const Doubles& v) {
        return scaled_dot_product_attention(column(q), column(k), column(v)).to_doubles();
      };
      CHECK(difference(attend({1, nan}, {0, 0}, {2, 4}), {3, nan}, 0) == "");
      CHECK(difference(attend({1, 1}, {0, nan}, {2, 4}), {nan, nan}, 0) == "");
      CHECK(difference(attend({1}, {0, 0}, {inf, 4}), {inf}, 0) == "");
      // A score of minus infinity is a weight of zero; if all are, there is no mean.
      CHECK(difference(attend({1}, {-inf, 0}, {2, 4}), {4}, 0) == "");
      CHECK(difference(attend({1}, {-inf, -inf}, {2, 4}), {nan}, 0) == "");
      CHECK(difference(attend({1}, {inf, 0}, {2, 4}), {nan}, 0) == "");
      // A whole tile of them before the first other score.
      Doubles k(70, -inf), v(70, 1);
      k.back() = 0, v.back() = 5;
      CHECK(difference(attend({1}, k, v), {5}, 0) == "");
      // Scores that exp() alone would not survive.
      CHECK(difference(attend({100}, {90, 100}, {2, 4}), {4}, 0) == "");
    }
}

TEST_CASE("attention has the same bits for any number of threads", "[ops]") {
  auto everything = [] {
    const Tensor a = require_grad(random_tensor({5, 50, 3 * 24}, DType::float32, {}, 1));
    const Tensor b = require_grad(random_tensor({2, 13, 10, 3 * 24}, DType::float32, {}, 2));
    const Tensor y = attention(a, 3), z = window_attention(b, 2, 4);
    std::vector<Tensor> results = grad_of(sum(y * y) + sum(z * z), {a, b});
    results.push_back(y);
    results.push_back(z);
    return results;
  };
  check_any_threads(everything);
}

TEST_CASE("attention says what is wrong with its arguments", "[ops]") {
  auto zeros = [](const Shape& shape) { return Tensor::zeros(shape); };
  CHECK_THROWS_WITH(attention(zeros({2, 9, 192}), 3 + 2),
                    "[attention] qkv is (2, 9, 192), which 5 heads do not divide");
  CHECK_THROWS_WITH(attention(zeros({9, 192}), 3),
                    "[attention] needs (N, L, 3 C), qkv is (9, 192)");
  CHECK_THROWS_WITH(attention(zeros({1, 1, 3 * 257}), 1),
                    "[attention] heads have 257 channels; there may be 128");
  CHECK_THROWS_WITH(window_attention(zeros({1, 4, 4, 6}), 1, 0), "[window_attention] window is 0");
  CHECK_THROWS_WITH(window_attention(zeros({1, 4, 6}), 1, 2),
                    "[window_attention] needs (N, H, W, 3 C), qkv is (1, 4, 6)");
  const Tensor q = zeros({2, 4, 9, 16}), k = zeros({2, 4, 7, 16});
  CHECK_THROWS_WITH(
      scaled_dot_product_attention(q, zeros({2, 4, 7, 8}), k),
      "[scaled_dot_product_attention] q is (2, 4, 9, 16), k (2, 4, 7, 8), v (2, 4, 7, 16)");
  CHECK_THROWS_WITH(
      scaled_dot_product_attention(q, k, q),
      "[scaled_dot_product_attention] q is (2, 4, 9, 16), k (2, 4, 7, 16), v (2, 4, 9, 16)");
  CHECK_THROWS_WITH(
      scaled_dot_product_attention(zeros({4, 9, 16}), k, k),
      "[scaled_dot_product_attention] q is (4, 9, 16), k (2, 4, 7, 16), v (2, 4, 7, 16)");
  CHECK_THROWS_AS(scaled_dot_product_attention(q, k.to(DType::float64), k), ShapeError);
}

TEST_CASE("the attention layer projects, attends, projects", "[nn]") {
  for (Device device : test_devices()) {
    auto made = [](int64_t window) {
      const InitSeed seed(1);
      return Attention(6, 2, window);
    };
    Attention layer = made(0), windows = made(2);  // with the same weights
    layer.to(device);
    windows.to(device);
    std::vector<std::string> names;
    for (auto& [name, t] : layer.parameters()) names.push_back(name + " " + t.shape().str());
    CHECK(names == std::vector<std::string>{"qkv.weight (18, 6)", "qkv.bias (18)",
                                            "proj.weight (6, 6)", "proj.bias (6)"});
    const auto p = layer.parameters();
    const Tensor x = random_tensor({2, 4, 6}, DType::float32, device);
    const Tensor wanted =
        linear(attention(linear(x, p[0].tensor, p[1].tensor), 2), p[2].tensor, p[3].tensor);
    CHECK(same_bits(layer(x), wanted));
    // The same weights; a window as large as the image.
    CHECK(difference(windows(x.reshape({2, 2, 2, 6})).to_doubles(), wanted.to_doubles(), 1e-6) ==
          "");
    CHECK(windows.description() == "Attention(6, heads 2, window 2)");
    backward(sum(layer(x)));
    for (auto& [name, t] : p) CHECK(grad(t).defined());
  }
}

TEST_CASE("MultiheadAttention is PyTorch's, in float64", "[nn]") {
  const auto stored = read_safetensors(source_path("tests/golden/multihead.safetensors")).tensors;
  for (Device device : test_devices()) {
    INFO(device.name());
    MultiheadAttention layer(8, 2);
    CHECK(layer.description() == "MultiheadAttention(8, heads 2)");
    for (auto& [name, t] : layer.state()) {
      t.move_into(Tensor::empty(t.shape(), DType::float64));
      t.copy_from(stored.at(name));
    }
    layer.to(device);
    auto input = [&](const char* name) { return require_grad(stored.at(name).to(device).clone()); };
    const Tensor x = input("x"), query = input("query"), key = input("key"), value = input("value");
    const Tensor y = layer(x);
    const Tensor z = layer.attend(query, key, value, {.mask = stored.at("mask").to(device)});
    auto agrees = [&](const std::string& name, const Tensor& t) {
      INFO(name);
      CHECK(difference(t.to_doubles(), stored.at(name).to_doubles(), 1e-12) == "");
    };
    agrees("y", y);
    agrees("z", z);
    // On itself, by parts, it is what it is in one piece.
    CHECK(difference(layer.attend(x, x, x).to_doubles(), y.to_doubles(), 1e-12) == "");
    backward(sum(y * stored.at("dy").to(device)) + sum(z * stored.at("dz").to(device)));
    agrees("grad/x", grad(x));
    agrees("grad/query", grad(query));
    agrees("grad/key", grad(key));
    agrees("grad/value", grad(value));
    for (auto& [name, t] : layer.parameters()) agrees("grad/" + name, grad(t));
  }
}

TEST_CASE("MultiheadAttention begins as PyTorch's, and says what does not fit", "[nn]") {
  const InitSeed seed(3);
  MultiheadAttention layer(12, 3), plain(12, 3, false);
  std::vector<std::string> names;
  for (auto& [name, t] : layer.state()) names.push_back(name + " " + t.shape().str());
  CHECK(names == std::vector<std::string>{"in_proj_weight (36, 12)", "in_proj_bias (36)",
                                          "out_proj.weight (12, 12)", "out_proj.bias (12)"});
  CHECK(plain.state().size() == 2);
  const double bound = std::sqrt(6.0 / 48);  // Glorot's
  double largest = 0;
  for (double v : layer.state()[0].tensor.to_doubles()) largest = std::max(largest, std::abs(v));
  CHECK(largest <= bound);
  CHECK(largest > 0.9 * bound);
  for (std::size_t bias : {1, 3})
    for (double v : layer.state()[bias].tensor.to_doubles()) CHECK(v == 0);
  CHECK(plain(Tensor::zeros({2, 5, 12})).shape() == Shape{2, 5, 12});
  CHECK_THROWS_WITH(MultiheadAttention(12, 5), "[multihead_attention] 5 heads do not divide 12");
  const Tensor x = Tensor::zeros({2, 5, 12});
  CHECK_THROWS_WITH(layer.attend(x, x, Tensor::zeros({2, 5, 9})),
                    "[multihead_attention] needs (N, tokens, 12), query is (2, 5, 12), key (2, 5, "
                    "12), value (2, 5, 9)");
}

}  // namespace tweed
