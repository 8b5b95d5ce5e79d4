// Layers made of layers: what they compute, their gradients, names, and what does not fit.
#include "nn/containers.h"

#include "autograd/elementwise.h"
#include "autograd/shape_ops.h"
#include "nn/activation.h"
#include "nn/gradcheck.h"
#include "nn/layers.h"
#include "nn/summary.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;

namespace {

// A residual block that widens, and branches behind it.
Sequential blocks() {
  return Sequential{
      Residual{Sequential{Conv2d(2, 4, 3, {.padding = same_padding}), Tanh()},
               Sequential{Conv2d(2, 4, 1)}},
      Concat{Conv2d(4, 1, 2, {.padding = same_padding}), Sequential{Conv2d(4, 2, 1), Sigmoid()}}};
}

}  // namespace

TEST_CASE("Residual adds its input, or what its shortcut makes of it") {
  const Tensor x = random_tensor({2, 3, 3, 4});
  NoGrad no_grad;
  Residual block{Sequential{Conv2d(4, 4, 1), ReLU()}};
  Module &conv = block.find("layers.0"), &act = block.find("layers.1");
  CHECK(same_bits(block(x), x + act(conv(x))));
  Residual wider{Sequential{Conv2d(4, 6, 1)}, Sequential{Conv2d(4, 6, 1)}};
  CHECK(same_bits(wider(x), wider.find("shortcut")(x) + wider.find("layers")(x)));
}

TEST_CASE("Concat puts the channels of its branches together") {
  const Tensor x = random_tensor({2, 3, 3, 4});
  NoGrad no_grad;
  Concat look{Conv2d(4, 1, 1), Sequential{Conv2d(4, 2, 1), ReLU()}, Identity()};
  const Tensor y = look(x);
  CHECK(y.shape() == Shape{2, 3, 3, 7});
  CHECK(same_bits(y, concat({look.find("0")(x), look.find("1")(x), x}, 3)));
  Concat rows{Linear(4, 3), Identity()};
  CHECK(rows(random_tensor({5, 4})).shape() == Shape{5, 7});
}

TEST_CASE("Containers may be held, grown and nested") {
  Sequential net{Conv2d(3, 8, 3), Residual{Sequential{ReLU(), Conv2d(8, 8, 1)}}};
  net.add("look", Concat{Identity(), Identity()}).add("head", Linear(16, 2));
  std::vector<std::string> names;
  for (auto& [name, t] : net.parameters()) names.push_back(name);
  CHECK(names == std::vector<std::string>{"0.weight", "0.bias", "1.layers.1.weight",
                                          "1.layers.1.bias", "head.weight", "head.bias"});
  const auto branches = std::vector<ModulePtr>{hold(Linear(2, 3)), hold(Linear(2, 1))};
  CHECK(Concat(branches)(random_tensor({5, 2})).shape() == Shape{5, 4});
}

TEST_CASE("Gradients through containers are right in every input and weight") {
  for (Device device : test_devices()) {
    INFO(device.name());
    Sequential net = blocks();
    net.to(DType::float64);
    net.to(device);
    const Tensor x = random_tensor({1, 3, 4, 2}, DType::float64, device, 1);
    const GradcheckResult result = gradcheck_network(net, x);
    INFO(result.message);
    CHECK(result);
  }
}

TEST_CASE("Padding 'same' keeps the size, an even kernel's extra pixel comes last") {
  const Tensor x = random_tensor({2, 6, 5, 3});
  NoGrad no_grad;
  for (int64_t kernel : {1, 2, 3, 4, 5, 8}) {
    INFO(kernel);
    Conv2d same(3, 4, kernel, {.padding = same_padding});
    const int64_t before = (kernel - 1) / 2, after = kernel / 2;
    const Tensor padded = pad(x, {{0, 0}, {before, after}, {before, after}, {0, 0}});
    const Tensor y = same(x);
    CHECK(y.shape() == Shape{2, 6, 5, 4});
    CHECK(
        difference(y.to_doubles(),
                   conv2d(padded, same.weight(), same.find("").parameters()[1].tensor).to_doubles(),
                   1e-6) == "");
    CHECK_THAT(same.description(), Contains("padding same"));
  }
  CHECK_THROWS_WITH(Conv2d(3, 4, 3, {.stride = 2, .padding = same_padding}),
                    Contains("[conv2d] padding \"same\" takes a stride of 1, not 2"));
}

TEST_CASE("What does not fit is told with shapes and the layer's name") {
  const Tensor x = Tensor::zeros({1, 4, 4, 3});
  NoGrad no_grad;
  CHECK_THROWS_WITH(Residual{Sequential{Conv2d(3, 8, 1)}}(x),
                    Contains("[residual] layers give (1, 4, 4, 8), the input is (1, 4, 4, 3): "
                             "they need a shortcut"));
  // What could be broadcast is refused, too.
  CHECK_THROWS_WITH(Residual{Sequential{Conv2d(3, 1, 1)}}(x), Contains("[residual]"));
  CHECK_THROWS_WITH((Residual{Sequential{Conv2d(3, 8, 1)}, Sequential{Conv2d(3, 4, 1)}}(x)),
                    Contains("(1, 4, 4, 8), the shortcut gives (1, 4, 4, 4)"));
  CHECK_THROWS_WITH((Concat{Conv2d(3, 8, 1), Conv2d(3, 8, 3)}(x)),
                    Contains("[concat] shapes (1, 4, 4, 8) and (1, 2, 2, 8)"));

  Sequential net{Conv2d(3, 8, 1), Residual{Sequential{ReLU(), Conv2d(3, 8, 1)}}};
  const std::string told = "[conv2d] weight is (8, 1, 1, 3), x is (1, 4, 4, 8), in layer ";
  CHECK_THROWS_AS(net(x), ShapeError);
  CHECK_THROWS_WITH(net(x), Contains(told + "1.layers.1"));
  Sequential outer{Identity(), std::move(net)};
  CHECK_THROWS_WITH(outer(x), Contains(told + "1.1.layers.1"));
}

TEST_CASE("A summary has the layers inside of containers") {
  Sequential net = blocks();
  const std::string text = summary(net, {1, 8, 8, 2});
  INFO(text);
  for (const char* line : {"0.layers.0    Conv2d   (1, 8, 8, 4)", "0.shortcut.0  Conv2d", "1.1.0 "})
    CHECK_THAT(text, Contains(line));
  CHECK_THAT(net.str(), Contains("  1: Concat\n    0: Conv2d(4, 1, kernel 2, stride 1, padding "
                                 "same, no activation)\n    1: Sequential\n"));
}
