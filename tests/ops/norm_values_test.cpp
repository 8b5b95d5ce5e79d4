// What rows of op_cases.h cannot say about layer norm, group norm, frozen batch norm and stochastic
// depth: special values, many threads, layers, errors.
#include <cmath>

#include "autograd/dropout.h"
#include "autograd/norm.h"
#include "kernels/attack.h"
#include "nn/layers.h"
#include "nn/norm_layers.h"
#include "tests/catch.h"
#include "tests/ops/on_all.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;
const double nan = NAN, inf = INFINITY;

std::vector<Tensor> buffers_of(const Module& module) {
  std::vector<Tensor> copies;
  for (auto& buffer : module.buffers()) copies.push_back(buffer.tensor.clone());
  return copies;
}

}  // namespace

TEST_CASE("NaN and infinity spoil their row or group alone, in layer and group norm", "[ops]") {
  on_all([](Device device, DType dtype) {
    auto of = [&](const Doubles& v, const Shape& s) {
      return Tensor::from(v, s).to(dtype).to(device);
    };
    Tensor ones = of({1, 1}, {2}), zeros = of({0, 0}, {2});
    Tensor y = layer_norm(of({nan, 1, inf, 1, -1, 1}, {3, 2}), ones, zeros, 0);
    CHECK(difference(y.to_doubles(), {nan, nan, nan, nan, -1, 1}, 0) == "");
    Tensor z = group_norm(of({nan, 1, 1, -1, inf, 1, 1, -1}, {2, 2, 2}), 2, ones, zeros, 0);
    CHECK(difference(z.to_doubles(), {nan, 1, nan, -1, nan, 1, nan, -1}, 0) == "");
  });
}

TEST_CASE("equal values far from zero give exactly the shift", "[ops]") {
  on_all([](Device device, DType dtype) {
    Tensor gamma = Tensor::full({37}, 3, dtype, device);
    Tensor beta = Tensor::full({37}, 0.5, dtype, device);
    Tensor x = Tensor::full({4, 37}, 12345.678, dtype, device);
    for (const Tensor& y : {layer_norm(x, gamma, beta), group_norm(x, 1, gamma, beta)})
      CHECK(same_bits(y, Tensor::full({4, 37}, 0.5, dtype, device)));
  });
}

TEST_CASE("layer and group norm have the same bits on any number of threads", "[ops]") {
  auto everything = [] {
    Tensor x = require_grad(random_tensor({6, 41, 37, 12}, DType::float32, {}, 1));
    Tensor gamma = require_grad(random_tensor({12}, DType::float32, {}, 2));
    Tensor beta = require_grad(random_tensor({12}, DType::float32, {}, 3));
    std::vector<Tensor> results;
    for (const Tensor& y : {layer_norm(x, gamma, beta), group_norm(x, 4, gamma, beta)}) {
      results.push_back(y);
      for (auto& gradient : grad_of(y, {x, gamma, beta}, false, x.detach()))
        results.push_back(gradient);
    }
    return results;
  };
  check_any_threads(everything);
}

TEST_CASE("group norm in one group of one pixel is layer norm", "[ops]") {
  on_all([](Device device, DType dtype) {
    Tensor x = random_tensor({5, 30}, dtype, device, 1);
    Tensor gamma = random_tensor({30}, dtype, device, 2),
           beta = random_tensor({30}, dtype, device, 3);
    const double tolerance = dtype == DType::float64   ? 1e-13
                             : dtype == DType::float32 ? 1e-5
                                                       : 0.02;
    CHECK(difference(group_norm(x, 1, gamma, beta).to_doubles(),
                     layer_norm(x, gamma, beta).to_doubles(), tolerance) == "");
  });
}

TEST_CASE("layers of norms pass their options on", "[nn]") {
  Tensor x = random_tensor({2, 3, 3, 6});
  Tensor ones = Tensor::full({6}, 1), zeros = Tensor::zeros({6});
  LayerNorm layer(6, 0.1);
  CHECK(same_bits(layer(x), layer_norm(x, ones, zeros, 0.1)));
  CHECK(layer.description() == "LayerNorm(6)");
  GroupNorm group(3, 6, 0.1);
  CHECK(same_bits(group(x), group_norm(x, 3, ones, zeros, 0.1)));
  CHECK(group.description() == "GroupNorm(3, 6)");
  for (Module* module : {static_cast<Module*>(&layer), static_cast<Module*>(&group)}) {
    REQUIRE(module->parameters().size() == 2);
    CHECK(module->parameters()[0].name == "weight");
    CHECK(module->parameters()[1].name == "bias");
    CHECK(module->buffers().empty());
  }
  DropPath path(0.25);
  CHECK(path.description() == "DropPath(0.25)");
  path.eval();
  CHECK(same_bits(path(x), x));
}

TEST_CASE("a frozen batch norm keeps its statistics, and its parameters learn", "[nn]") {
  Tensor x = require_grad(random_tensor({4, 3, 3, 5}));
  BatchNorm2d norm(5);
  norm(x);  // moves the running statistics
  norm.eval();
  const Tensor wanted = norm(x);
  norm.train();
  norm.freeze();
  CHECK(norm.description() == "BatchNorm2d(5, no activation, frozen)");
  const auto before = buffers_of(norm);
  const Tensor y = norm(x);
  CHECK(same_bits(y, wanted));
  const auto after = buffers_of(norm);
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(same_bits(before[i], after[i]));
  const auto parameters = norm.parameters();
  const Tensor dy = random_tensor(y.shape(), DType::float32, {}, 9);
  std::vector<Tensor> leaves = {x, parameters[0].tensor, parameters[1].tensor};
  const auto gradients = grad_of(y, leaves, false, dy);
  // The statistics are constants: dx is dy / sqrt(running_var + eps), dbias the sum of dy.
  const auto var = after[1].to_doubles(), g = dy.to_doubles();
  Doubles dx(g.size()), dbias(5);
  for (std::size_t i = 0; i < g.size(); ++i) {
    dx[i] = g[i] / std::sqrt(var[i % 5] + 1e-5);
    dbias[i % 5] += g[i];
  }
  CHECK(difference(gradients[0].to_doubles(), dx, 1e-6) == "");
  CHECK(difference(gradients[2].to_doubles(), dbias, 1e-6) == "");
  norm.freeze(false);
  norm(x);
  CHECK_FALSE(same_bits(buffers_of(norm)[0], before[0]));
}

TEST_CASE("drop_path keeps or drops whole samples, the same ones for the same key", "[ops]") {
  const int64_t samples = 4000;
  const RandomKey key = {5, Purpose::dropout, 1, 0};
  for (Device device : test_devices()) {
    Tensor x = Tensor::full({samples, 3}, 1, DType::float32, device);
    Tensor y = drop_path(x, 0.2, key, true);
    CHECK(same_bits(y, drop_path(x, 0.2, key, true)));
    const auto v = y.to_doubles();
    int64_t kept = 0;
    for (std::size_t i = 0; i < v.size(); i += 3) {
      REQUIRE((v[i] == 0 || v[i] == 1.25));
      REQUIRE((v[i] == v[i + 1] && v[i] == v[i + 2]));
      kept += v[i] != 0;
    }
    CHECK(std::abs(double(kept) / double(samples) - 0.8) < 0.03);  // 5 standard deviations
    CHECK(same_bits(drop_path(x, 0.2, key, false), x));
    CHECK(same_bits(drop_path(x, 0, key, true), x));
    Tensor special = Tensor::from(Doubles{nan, inf, 1}, {1, 3}).to(device);
    CHECK(difference(drop_path(special, 1, key, true).to_doubles(), {nan, nan, 0}, 0) == "");
  }
}

TEST_CASE("parts of a batch draw what the whole draws", "[ops]") {
  const RandomKey whole = {5, Purpose::dropout, 1, 3};
  for (Device device : test_devices()) {
    const Tensor x = random_tensor({7, 3, 5}).to(DType::float32).to(device);
    const Tensor images = Tensor::full({7, 3, 3}, 0, DType::float32, device);
    const auto start = [&](const Tensor& at, const RandomKey& key) {
      const Tensor y = Tensor::empty_like(at);
      const auto bound = [&](double v) { return Tensor::full({3}, v, DType::float32, device); };
      const Tensor eps = bound(1), lo = bound(-2), hi = bound(2);
      on(device, [&](auto& here) {
        random_start(here, key, at.read<float>(),
                     {eps.read<float>(), lo.read<float>(), hi.read<float>()}, y.write<float>());
      });
      return y;
    };
    // Numbers are drawn by fours: parts begin and end anywhere among them.
    for (auto [first, last] : {std::pair<int64_t, int64_t>{0, 3}, {3, 4}, {4, 7}, {1, 6}}) {
      RandomKey part = whole;
      part.first = uint32_t(first);
      part.images = uint32_t(last - first);
      const Tensor in = x.slice(first, last).clone();
      auto same = [&](const Tensor& some, const Tensor& all) {
        CHECK(same_bits(some, all.slice(first, last).clone()));
      };
      same(dropout(in, 0.4, part, true), dropout(x, 0.4, whole, true));
      same(dropout2d(in, 0.4, part, true), dropout2d(x, 0.4, whole, true));
      same(drop_path(in, 0.4, part, true), drop_path(x, 0.4, whole, true));
      same(start(images.slice(first, last).clone(), part), start(images, whole));
    }
  }
}

TEST_CASE("errors of norms name the operation and the shapes", "[ops]") {
  Tensor x = Tensor::zeros({2, 4, 6}), six = Tensor::zeros({6}), four = Tensor::zeros({4});
  CHECK_THROWS_WITH(layer_norm(x, four, six),
                    Contains("[layer_norm] gamma is (4), x is (2, 4, 6)"));
  CHECK_THROWS_WITH(layer_norm(x, six, four), Contains("beta is (4), x is (2, 4, 6)"));
  CHECK_THROWS_WITH(layer_norm(Tensor::zeros({}), six, six), Contains("x has no axes"));
  CHECK_THROWS_WITH(layer_norm(x, six.to(DType::float64), six), Contains("[layer_norm]"));
  CHECK_THROWS_WITH(group_norm(x, 4, six, six), Contains("[group_norm] 4 groups of (2, 4, 6)"));
  CHECK_THROWS_WITH(group_norm(x, 0, six, six), Contains("0 groups of (2, 4, 6)"));
  CHECK_THROWS_WITH(group_norm(six, 2, six, six), Contains("2 groups of (6)"));
  CHECK_THROWS_WITH(GroupNorm(4, 6), Contains("GroupNorm: 4 groups of 6 channels"));
  CHECK_THROWS_WITH(drop_path(x, 1.5, {}, true), Contains("[drop_path] p is 1.5, not in [0, 1]"));
  CHECK_THROWS_WITH(drop_path(Tensor::zeros({}), 0.5, {}, true), Contains("x has no axes"));
}

}  // namespace tweed
