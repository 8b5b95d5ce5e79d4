// Normalisation and stochastic depth beyond the rows of op_cases.h: errors, special values, layers.
#include "autograd/norm.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "autograd/dropout.h"
#include "autograd/reduce.h"
#include "nn/layers.h"
#include "nn/norm_layers.h"
#include "tests/support.h"

namespace tweed {

using Catch::Contains;
using Doubles = std::vector<double>;

TEST_CASE("layer_norm names wrong arguments", "[norm]") {
  Tensor x = Tensor::zeros({2, 3}), c = Tensor::zeros({3});
  CHECK_THROWS_WITH(layer_norm(x, Tensor::zeros({4}), c),
                    Contains("[layer_norm] gamma is (4), x is (2, 3)"));
  CHECK_THROWS_WITH(layer_norm(x, c, Tensor::zeros({1, 3})),
                    Contains("[layer_norm] beta is (1, 3), x is (2, 3)"));
  CHECK_THROWS_WITH(layer_norm(Tensor::zeros({}), c, c), Contains("no axes"));
  CHECK_THROWS_WITH(layer_norm(x, c, Tensor::zeros({3}, DType::float64)), Contains("float64"));
}

TEST_CASE("layer_norm keeps rows apart, passes NaN, and is right far from zero", "[norm]") {
  for (Device device : test_devices()) {
    Tensor x = Tensor::from<float>({1, NAN, 3, INFINITY, 0, 0, 1, 2, 3}, {3, 3}, device);
    Tensor one = Tensor::full({3}, 1, DType::float32, device);
    Tensor zero = Tensor::zeros({3}, DType::float32, device);
    const double far = std::sqrt(1.5);
    CHECK(difference(layer_norm(x, one, zero, 0).to_doubles(),
                     {NAN, NAN, NAN, NAN, NAN, NAN, -far, 0, far}, 1e-6) == "");

    const int64_t C = 1000;  // several tiles of channels
    Tensor wide = require_grad(random_tensor({5, C}, DType::float32, device, 1, 9999, 10001));
    Tensor gamma = require_grad(random_tensor({C}, DType::float32, device, 2, 0.5, 1));
    Tensor beta = require_grad(random_tensor({C}, DType::float32, device, 3));
    auto run = [&](DType dtype) {
      std::vector<Tensor> in;
      for (auto& t : {wide, gamma, beta}) in.push_back(require_grad(t.detach().to(dtype).clone()));
      Tensor y = layer_norm(in[0], in[1], in[2]);
      Tensor dy = random_tensor(y.shape(), DType::bfloat16, {}, 4).to(dtype).to(device);
      auto results = grad_of(y, in, false, dy);
      results.push_back(y);
      return results;
    };
    const auto got = run(DType::float32), wanted = run(DType::float64);
    for (std::size_t i = 0; i < got.size(); ++i)
      CHECK(difference(got[i].to_doubles(), wanted[i].to_doubles(), 2e-3) == "");
  }
}

TEST_CASE("drop_path keeps or drops whole samples", "[norm]") {
  for (Device device : test_devices()) {
    Tensor x = Tensor::full({400, 2, 3}, 1, DType::float32, device);
    const RandomKey key = {5, Purpose::dropout, 1, 1};
    const Doubles sums = sum(drop_path(x, 0.25, key, true), {1, 2}).to_doubles();
    int64_t dropped = 0;
    for (double s : sums) {
      CHECK((s == 0 || std::abs(s - 8) < 1e-5));
      dropped += s == 0;
    }
    CHECK(dropped > 70);
    CHECK(dropped < 130);
    CHECK(drop_path(x, 0.25, key, false).same(x));
    CHECK(drop_path(x, 0, key, true).same(x));
  }
  CHECK_THROWS_WITH(drop_path(Tensor::zeros({2}), -1, {}, true), Contains("[drop_path] p is -1"));
}

TEST_CASE("A frozen batch norm keeps its running statistics in training", "[norm]") {
  BatchNorm2d layer(3);
  Tensor x = require_grad(random_tensor({4, 2, 2, 3}, DType::float32, {}, 1, 1, 3));
  layer(x);  // learns something
  layer.freeze();
  const auto before = layer.buffers();
  std::vector<Tensor> copies;
  for (auto& b : before) copies.push_back(b.tensor.clone());
  Tensor y = layer(x);
  const auto gradients = grad_of(sum(y), {x, layer.parameters()[1].tensor});
  for (std::size_t i = 0; i < copies.size(); ++i) CHECK(same_bits(before[i].tensor, copies[i]));
  layer.eval();
  CHECK(same_bits(layer(x), y));
  // The statistics are constants: dx is the channel's rstd, where a batch's would make it zero.
  const double var = copies[1].to_doubles()[0];
  CHECK(gradients[0].to_doubles()[0] == Approx(1 / std::sqrt(var + 1e-5)));
  CHECK(gradients[1].to_doubles()[0] == 16);
}

TEST_CASE("Normalisation layers have PyTorch's names and start as the identity", "[norm]") {
  LayerNorm layer(4);
  CHECK(layer.parameters()[0].name == "weight");
  CHECK(layer.parameters()[1].name == "bias");
  CHECK(layer.description() == "LayerNorm(4)");
  CHECK(difference(layer(Tensor::from<float>({-1, 1, -1, 1}, {1, 4})).to_doubles(), {-1, 1, -1, 1},
                   1e-5) == "");
  CHECK(DropPath(0.1).description() == "DropPath(0.1)");
}

}  // namespace tweed
