// What one can see of a network: its table of costs, the size of its gradients.
#include <catch2/catch.hpp>
#include <cmath>

#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/reduce.h"
#include "nn/gradients.h"
#include "nn/layers.h"
#include "nn/models/models.h"
#include "tests/support.h"

using namespace tweed;

TEST_CASE("Gradient magnitudes are the largest absolute values, by parameter") {
  for (Device device : test_devices()) {
    Linear layer(2, 2, {});
    layer.to(device);
    for (auto& [name, value] : gradient_magnitudes(layer)) CHECK(value == 0);
    const Tensor x = Tensor::from<float>({1, -3, 0, 2}, {2, 2}, device);
    backward(sum(layer(x) * Tensor::from<float>({1, -2, 1, 4}, {2, 2}, device)));
    // d/dW[o][i] = sum over n of dy[n][o] x[n][i]: (1, -1), (-2, 14); d/db: (2, 2).
    const auto got = gradient_magnitudes(layer);
    REQUIRE(got.size() == 2);
    CHECK(got[0].name == "weight");
    CHECK(got[0].value == 14);
    CHECK(got[1].name == "bias");
    CHECK(got[1].value == 2);
    backward(sum(layer(x) * std::nan("")));
    CHECK(std::isnan(gradient_magnitudes(layer)[0].value));
  }
}

TEST_CASE("Gradients vanish in the deep network of convolutions, and not in the cured one") {
  const Tensor x = random_tensor({2, 32, 32, 3}), labels = Tensor::from<int32_t>({1, 2}, {2});
  auto first = [&](const std::string& name) {
    auto network = make_model(name, {.classes = 10});
    backward(cross_entropy((*network)(x), labels));
    return gradient_magnitudes(*network).front().value;
  };
  const double plain = first("conv_only");
  CHECK(first("conv_only_deep") < 1e-3 * plain);
  CHECK(first("conv_only_cured") > 1e-2 * plain);
}
