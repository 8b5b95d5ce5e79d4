// What one can see of a network: its table of costs, outputs and gradients by name.
#include <algorithm>
#include <cmath>
#include <random>
#include <regex>
#include <utility>

#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "nn/activation.h"
#include "nn/freeze.h"
#include "nn/gradients.h"
#include "nn/layers.h"
#include "nn/models/models.h"
#include "nn/receptive_field.h"
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
  // How long a layer takes is another figure each time.
  CHECK(
      std::regex_replace(summary(network, {2, 8, 8, 3}), std::regex(" [ 0-9]{4}\\.[0-9]\n"),
                         " _\n") ==
      "Sequential on (2, 8, 8, 3)\n"
      "layer   type           output        field  parameters  multiply-adds   bytes  bytes %  "
      "time %\n"
      "conv    Conv2d         (2, 8, 8, 8)      3         224         27,648   4,096     33.7  _\n"
      "head.0  GlobalAvgPool  (2, 8)          all           0              0      64      0.5  _\n"
      "fc      Linear         (2, 1000)       all       9,000         16,000   8,000     65.8  _\n"
      "total                                            9,224         43,648  12,160    100.0  "
      "_\n");
  // A simulated GPU's times say nothing.
  network.to(Device::parse("sim"));
  CHECK_THAT(summary(network, {2, 8, 8, 3}), !Contains("time %"));
}

TEST_CASE("Receptive fields are those of the layers' windows and strides") {
  // Published: Araujo et al. 2019, table of networks (ResNet-18 is that of its last map).
  auto resnet = resnet18({.classes = 10});
  const auto of_resnet = receptive_fields(*resnet, {1, 64, 64, 3});
  CHECK(of_resnet.at("conv1").side == 7);
  CHECK(of_resnet.at("layer1.0.conv1").side == 19);
  CHECK(of_resnet.at("layer4.1.conv2").side == 435);
  CHECK(of_resnet.at("layer4.1.conv2").stride == 32);
  CHECK_FALSE(of_resnet.at("layer4.1.conv2").whole);
  CHECK(of_resnet.at("fc").whole);
  // The shortcut sees less than what it is added to.
  CHECK(of_resnet.at("layer4.0.downsample.0").side < of_resnet.at("layer4.0.conv1").side);

  auto vit = make_model("simplevit", {.classes = 10, .image_size = 128});
  const auto of_vit = receptive_fields(*vit, {1, 128, 128, 3});
  CHECK(of_vit.at("patch_embed").side == 16);
  CHECK(of_vit.at("blocks.0").side == 64);  // windows of 4 x 4 patches
  CHECK_FALSE(of_vit.at("blocks.0").whole);
  CHECK(of_vit.at("blocks.1").whole);
}

TEST_CASE("No pixel outside a receptive field changes a result, and its corners do") {
  Sequential network;
  network.add("conv1", Conv2d(1, 4, 3, {.stride = 2, .padding = 1}));
  network.add("pool", MaxPool2d(3, {.stride = 2, .padding = 1}))
      .add("conv2", Conv2d(4, 2, 3, {.padding = 1}));
  const ReceptiveField field = receptive_fields(network, {1, 64, 64, 1}).at("conv2");
  CHECK(field.stride == 4);
  std::mt19937 random(7);
  std::vector<float> pixels(64 * 64);
  for (auto& p : pixels) p = std::normal_distribution<float>()(random);
  // Which rows the result in the middle depends on; a maximum looks at one place of its window, so
  // over several images.
  int64_t first = 64, last = -1;
  for (int image = 0; image < 40; ++image) {
    std::shuffle(pixels.begin(), pixels.end(), random);
    const Tensor x = require_grad(Tensor::from(pixels, {1, 64, 64, 1}));
    const Tensor y = network(x);
    const Tensor middle = slice(slice(y, 1, 8, 9), 2, 8, 9);
    const auto gradient = grad_of(sum(middle), {x})[0].to_vector<float>();
    for (int64_t i = 0; i < 64 * 64; ++i)
      if (gradient[std::size_t(i)] != 0)
        first = std::min(first, i / 64), last = std::max(last, i / 64);
  }
  CHECK(last - first + 1 == field.side);
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
  CHECK_THAT(summary(network, {3, 4}),
             Contains("bytes %") && !Contains("left out") && !Contains("field"));
  CHECK_THAT(summary(network, {3, 4}, 1000), !Contains("left out"));
  CHECK_THAT(summary(network, {3, 4}, 40), Contains("left out: bytes, type"));
}

TEST_CASE("Each layer that is called has a time, without that of its children") {
  Odd network;
  const auto seconds = layer_seconds(network, {3, 4});
  CHECK(seconds.size() == 2);
  CHECK(seconds.at("twice") > 0);
  CHECK(seconds.at("") > 0);
  CHECK_FALSE(seconds.contains("never"));
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
    const int in_summary = std::exchange(seen, 0);
    CHECK(in_summary > 0);
    (*network)(random_tensor({2, 16, 16, 3}, DType::float32, device));
    CHECK(seen == 1);  // the hook that was there is there, and no other
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
