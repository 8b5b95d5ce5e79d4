// Networks in other dtypes: what is cast, gradients in float64, and optimizers made before.
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "nn/activation.h"
#include "nn/freeze.h"
#include "nn/gradcheck.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/models/models.h"
#include "optim/sgd.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;

namespace {

// Of simplenet_bn's kinds of layers, small enough for the simulator.
Sequential small_network() {
  const InitSeed seed(3);
  return Sequential{
      Conv2d(3, 5, 3, {.stride = 2, .padding = 1, .bias = false, .norm_follows = true}),
      BatchNorm2d(5, {.activation = Activation::relu}),
      MaxPool2d(3, {.stride = 2, .padding = 1}),
      Conv2d(5, 4, 1, {.activation = Activation::relu}),
      Dropout2d(0.3),
      GlobalAvgPool(),
      Linear(4, 3)};
}

void check_gradients(Module& network, const Shape& input, int64_t elements = 10) {
  network.to(DType::float64);
  const Tensor x = random_tensor(input, DType::float64, network.device(), 4);
  const GradcheckResult result = gradcheck_network(network, x, {.elements = elements});
  INFO(result.message);
  CHECK(result);
}

std::vector<Tensor> copies(const Module& network) {
  std::vector<Tensor> all;
  for (auto& [name, t] : network.state()) all.push_back(t.clone());
  return all;
}

}  // namespace

TEST_CASE("A network goes to float64 and back to the same bits, and integers stay integers") {
  for (Device device : test_devices()) {
    INFO(device.name());
    Sequential network = small_network();
    network.to(device);
    const Tensor x = random_tensor({2, 12, 12, 3}, DType::float32, device);
    network(x);  // running statistics of their own
    const auto before = copies(network);
    network.eval();
    const auto wanted = network(x).to_doubles();

    network.to(DType::float64);
    CHECK(network.dtype() == DType::float64);
    for (auto& [name, t] : network.state()) {
      INFO(name);
      const bool counts = name.ends_with("num_batches_tracked");
      CHECK(t.dtype() == (counts ? DType::int32 : DType::float64));
      CHECK(t.device() == device);
      if (counts) CHECK(t.item() == 1);
    }
    const Tensor y = network(x.to(DType::float64));
    CHECK(y.dtype() == DType::float64);
    CHECK(difference(y.to_doubles(), wanted, 1e-5) == "");

    network.to(DType::float32);
    const auto after = copies(network);
    for (std::size_t i = 0; i < after.size(); ++i) CHECK(same_bits(after[i], before[i]));
  }
}

TEST_CASE("In bfloat16 a network keeps its statistics in float32") {
  for (Device device : test_devices()) {
    Sequential network = small_network();
    network.to(device);
    const Tensor x = random_tensor({2, 12, 12, 3}, DType::float32, device);
    network.eval();
    const auto wanted = network(x).to_doubles();
    network.to(DType::bfloat16);
    CHECK(network.parameters()[0].tensor.dtype() == DType::bfloat16);
    CHECK(network.buffers()[0].tensor.dtype() == DType::float32);
    CHECK(difference(network(x.to(DType::bfloat16)).to_doubles(), wanted, 0.05) == "");
  }
  Sequential network = small_network();
  CHECK_THROWS_WITH(network.to(DType::int32), "[module] a network does not compute in int32");
  CHECK_THROWS_WITH(network.to(DType::float16),
                    Contains("does not compute in float16") && Contains("float32 or bfloat16"));
  CHECK(network.dtype() == DType::float32);
}

TEST_CASE("Gradients go where their parameters go") {
  for (Device device : test_devices()) {
    Sequential network{Linear(3, 2)};
    freeze(network, "*.bias");
    backward(cross_entropy(network(random_tensor({2, 3})), Tensor::from<int32_t>({0, 1}, {2})));
    const Tensor weight = network.parameters()[0].tensor;
    const auto before = grad(weight).to_doubles();
    network.to(device);
    network.to(DType::float64);
    CHECK(grad(weight).dtype() == DType::float64);
    CHECK(grad(weight).device() == device);
    CHECK(grad(weight).to_doubles() == before);
    // The next ones are added.
    const Tensor x = Tensor::zeros({2, 3}, DType::float64, device);
    backward(cross_entropy(network(x), Tensor::from<int32_t>({0, 1}, {2}, device)));
    CHECK(grad(weight).to_doubles() == before);
    CHECK_FALSE(requires_grad(network.parameters()[1].tensor));
  }
}

TEST_CASE("Whole networks have right gradients in float64") {
  for (Device device : test_devices()) {
    INFO(device.name());
    Sequential network = small_network();
    network.to(device);
    check_gradients(network, {2, 9, 8, 3});
    network.eval();
    check_gradients(network, {2, 9, 8, 3});
  }
}

TEST_CASE("The parts that networks are made of have right gradients in float64") {
  check_gradients(*simplenet_bn({.classes = 3}), {1, 32, 32, 3}, 3);
  const auto check_part = [](const ModulePtr& network, const std::string& name,
                             const Shape& input) {
    INFO(name);
    check_gradients(network->find(name), input);
  };
  check_part(resnet20({.classes = 3}), "layer1.0", {2, 6, 5, 16});
  check_part(resnet20({.classes = 3}), "layer2.0", {2, 6, 6, 16});
  check_part(resnet18({.classes = 3}), "layer2.0", {2, 4, 4, 64});
  check_part(resnet50({.classes = 3}), "layer1.0", {2, 3, 3, 64});
  check_part(squeezenet1_0({.classes = 3}), "features.3", {1, 4, 5, 96});
  check_part(inception({.classes = 3}), "inception3a", {1, 3, 4, 192});
  check_part(simplevit({.classes = 3, .image_size = 64}), "blocks.0", {2, 4, 4, 192});
  check_part(simplevit({.classes = 3, .image_size = 64}), "blocks.1", {2, 2, 3, 192});
}

TEST_CASE("A gradient that is wrong is found by the parameter's name") {
  Sequential network = small_network();
  network.to(DType::float64);
  const Tensor x = random_tensor({2, 9, 8, 3}, DType::float64);
  const auto before = copies(network);
  CHECK(gradcheck_network(network, x));
  const auto after = copies(network);
  for (std::size_t i = 0; i < after.size(); ++i) CHECK(same_bits(after[i], before[i]));
  CHECK_FALSE(requires_grad(x));
  network.find("3").on_output_gradient([](const Tensor& dy) { return dy * 2.0; });
  const GradcheckResult result = gradcheck_network(network, x);
  CHECK_FALSE(result);
  CHECK_THAT(result.message, Contains("element") && !Contains("6.weight") && !Contains("6.bias"));
  network.to(DType::float32);
  CHECK_THROWS_WITH(gradcheck_network(network, x), Contains("0.weight is float32, not float64"));
}

TEST_CASE("An optimizer says that its parameters have gone elsewhere") {
  for (Device device : test_devices()) {
    Sequential network = small_network();
    network.to(device);
    SGD sgd(network, {.lr = 0.1});
    sgd.step();
    network.to(DType::float64);
    CHECK_THROWS_WITH(sgd.step(), Contains("[optim] 0.weight has left the buffer"));
    CHECK(sgd.steps() == 1);
    // One that is made afterwards trains in float64.
    SGD other(network, {.lr = 0.1});
    const Tensor x = random_tensor({2, 12, 12, 3}, DType::float64, device),
                 labels = Tensor::from<int32_t>({0, 1}, {2}, device);
    const double first = cross_entropy(network(x), labels).item();
    double last = first;
    for (int step = 0; step < 5; ++step) {
      const Tensor loss = cross_entropy(network(x), labels);
      last = loss.item();
      other.zero_grad();
      backward(loss);
      other.step();
    }
    CHECK(last < first);
    CHECK(other.parameters().values().dtype() == DType::float64);
  }
}
