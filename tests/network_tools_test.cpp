// What one can see of a network: its table of costs, outputs and gradients by name.
#include <cmath>

#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/reduce.h"
#include "nn/activation.h"
#include "nn/freeze.h"
#include "nn/gradients.h"
#include "nn/layers.h"
#include "nn/models/models.h"
#include "nn/summary.h"
#include "nn/watch.h"
#include "tests/catch.h"
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
    freeze(layer, "weight");
    CHECK(gradient_magnitudes(layer)[0].value == 0);
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
  CHECK(first("conv_only_dirac") > 1e-1 * plain);
}

namespace {
LayerCost total_of(const std::vector<LayerCost>& costs) {
  LayerCost total;
  for (auto& c : costs) {
    total.parameters += c.parameters;
    total.multiply_adds += c.multiply_adds;
    total.bytes += c.bytes;
  }
  return total;
}
}  // namespace

TEST_CASE("The costs of known networks are the known ones") {
  auto simple = simplenet({.classes = 100});
  const LayerCost total = total_of(layer_costs(*simple, {1, 128, 128, 3}));
  CHECK(total.parameters == 365028);
  CHECK(total.parameters == simple->parameter_count());
  CHECK(total.multiply_adds == Approx(160e6).epsilon(0.01));
  auto resnet = resnet18({.classes = 1000});
  const auto costs = layer_costs(*resnet, {1, 224, 224, 3});
  CHECK(total_of(costs).multiply_adds == 1814073344);
  CHECK(costs.front().input == Shape{1, 224, 224, 3});
  CHECK(costs.front().output == Shape{1, 112, 112, 64});
  CHECK(costs.back().input == Shape{1, 512});
}

TEST_CASE("The table of a network") {
  Sequential network;
  network.add("conv", Conv2d(3, 8, 3, {.padding = 1}));
  auto inner = std::make_shared<Sequential>();
  inner->add(std::make_shared<GlobalAvgPool>());
  network.add("head", inner).add("fc", Linear(8, 1000));
  CHECK(summary(network, {2, 8, 8, 3}) ==
        "Sequential on (2, 8, 8, 3)\n"
        "layer   type           output        parameters  multiply-adds   bytes\n"
        "conv    Conv2d         (2, 8, 8, 8)         224         27,648   4,096\n"
        "head.0  GlobalAvgPool  (2, 8)                 0              0      64\n"
        "fc      Linear         (2, 1000)          9,000         16,000   8,000\n"
        "total                                     9,224         43,648  12,160\n");
}

namespace {
// A layer called twice, one never called, and a parameter of its own.
class Odd : public Module {
 public:
  Odd() {
    scale_ = add_parameter("scale", Tensor::full({}, 2));
    twice_ = add_child("twice", Linear(4, 4));
    add_child("never", Linear(4, 2));
  }
  Tensor forward(const Tensor& x) override { return (*twice_)((*twice_)(x)) * scale_; }
  std::string description() const override { return "Odd"; }

 private:
  Tensor scale_;
  ModulePtr twice_;
};
}  // namespace

TEST_CASE("Layers called twice or never, and a module's own parameters, are counted") {
  Odd network;
  const auto costs = layer_costs(network, {3, 4});
  REQUIRE(costs.size() == 3);
  CHECK((costs[0].name == "" && costs[0].parameters == 1 && costs[0].bytes == 48));
  CHECK((costs[1].calls == 2 && costs[1].parameters == 20 && costs[1].multiply_adds == 96));
  CHECK((costs[2].calls == 0 && costs[2].parameters == 10 && costs[2].multiply_adds == 0));
  CHECK(summary(network, {3, 4}).find("not called") != std::string::npos);
  CHECK(summary(network, {3, 4}, 1000) == summary(network, {3, 4}));
  CHECK_THAT(summary(network, {3, 4}, 40), Contains("left out: bytes"));
}

TEST_CASE("A summary leaves the network as it was, even when its shape is wrong") {
  for (Device device : test_devices()) {
    auto network = simplenet_bn({.classes = 3});
    network->to(device);
    int seen = 0;
    network->find("conv1").on_output([&](const Tensor&) { return ++seen, Tensor(); });
    const auto before = network->buffers().front().tensor.to_doubles();
    CHECK_NOTHROW(summary(*network, {1, 16, 16, 3}));
    CHECK_THROWS_AS(summary(*network, {1, 16, 16, 4}), ShapeError);
    CHECK(network->training());
    CHECK(network->find("bn1").training());
    CHECK(network->buffers().front().tensor.to_doubles() == before);
    CHECK(seen == 1);
    (*network)(random_tensor({2, 16, 16, 3}, DType::float32, device));
    CHECK(seen == 2);  // the hook that was there is there, and no other
  }
}

TEST_CASE("A watch keeps outputs and gradients of modules by name") {
  for (Device device : test_devices()) {
    Sequential network;
    network.add("fc1", Linear(4, 6));
    network.add("relu", make_activation("ReLU"));
    network.add("fc2", Linear(6, 3));
    network.to(device);
    const Tensor x = random_tensor({2, 4}, DType::float32, device);
    Tensor loss, hidden;
    {
      Watch watch(network, "fc?");
      CHECK(watch.names() == std::vector<std::string>{"fc1", "fc2"});
      CHECK_THROWS_WITH(watch.output("fc1"), Contains("no output yet"));
      Tensor y = network(x);
      CHECK(same_bits(watch.output("fc2"), y.detach()));
      CHECK_THROWS_WITH(watch.gradient("fc2"), Contains("no gradient has reached"));
      CHECK_THROWS_WITH(watch.output("relu"), Contains("not watched"));
      loss = cross_entropy(y, Tensor::from<int32_t>({0, 2}, {2}, device));
      backward(loss, true);
      // The loss is a mean over two: softmax minus one-hot, halved.
      double sum = 0;
      for (double g : watch.gradient("fc2").to_doubles()) sum += g;
      CHECK(std::abs(sum) < 1e-6);
      CHECK(watch.gradient("fc1").shape() == Shape{2, 6});
    }
    backward(loss);  // the graph's hooks outlive the watch
    CHECK_THROWS_WITH(Watch(network, "conv*"), Contains("fits 'conv*'"));
  }
}

TEST_CASE("Activations go by PyTorch's class names") {
  for (auto& name : activation_names()) CHECK(make_activation(name)->description() == name);
  const Tensor x = Tensor::from<float>({-1, 2}, {2});
  CHECK(same_bits((*make_activation("Identity"))(x), x));
  CHECK_THROWS_WITH(make_activation("Relu"), Contains("no activation 'Relu'"));
}
