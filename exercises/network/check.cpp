#include <map>

#include "autograd/elementwise.h"
#include "autograd/functions.h"
#include "autograd/loss.h"
#include "autograd/reduce.h"
#include "exercises/sheet.h"
#include "network.h"
#include "nn/layers.h"
#include "optim/sgd.h"

namespace tweed::exercise {
namespace {

Tensor images(int64_t n, uint32_t seed) {
  return Tensor::from(numbers(std::size_t(n * 8 * 8 * 3), seed), {n, 8, 8, 3});
}

void names_and_shapes() {
  const ModulePtr network = make_network(5);
  const std::map<std::string, Shape> wanted{
      {"stem.weight", {16, 3, 3, 3}}, {"stem.bias", {16}},    {"first.weight", {16, 3, 3, 16}},
      {"first.bias", {16}},           {"fc.weight", {5, 16}}, {"second.weight", {16, 3, 3, 16}},
      {"second.bias", {16}},          {"fc.bias", {5}}};
  std::map<std::string, Shape> got;
  for (auto& [name, t] : network->parameters()) got[name] = t.shape();
  expect(!got.empty(),
         "Still blank: the network has no parameters. add_child() registers a layer.");
  for (auto& [name, shape] : wanted) {
    expect(got.count(name), "There is no parameter " + name + ".");
    expect(got[name] == shape, name + " is " + got[name].str() + ", not " + shape.str() + ".");
  }
  expect(got.size() == wanted.size(), "The network has " + std::to_string(got.size()) +
                                          " parameters, not " + std::to_string(wanted.size()) +
                                          ".");
}

Tensor parameter(const Module& network, const std::string& name) {
  for (auto& [n, t] : network.parameters())
    if (n == name) return t;
  throw Wrong{"There is no parameter " + name + "."};
}
// The network of README.md, from the parameters of one that has them.
Tensor by_hand(const Module& network, const Tensor& x, bool shortcut = true) {
  auto conv = [&](const Tensor& in, const std::string& name) {
    return conv2d(in, parameter(network, name + ".weight"), parameter(network, name + ".bias"),
                  {.padding = 1});
  };
  const Tensor y = relu(conv(x, "stem")), z = conv(relu(conv(y, "first")), "second");
  return linear(mean(relu(shortcut ? y + z : z), {1, 2}), parameter(network, "fc.weight"),
                parameter(network, "fc.bias"));
}

void values() {
  const ModulePtr network = make_network(5);
  const Tensor x = images(3, 1);
  const Tensor y = (*network)(x);
  expect(y.shape() == Shape{3, 5},
         "Of 3 images the network makes " + y.shape().str() + ", not (3, 5).");
  const auto got = y.to_doubles();
  const auto plain = by_hand(*network, x, false).to_doubles();
  double most = 0;
  for (std::size_t i = 0; i < got.size(); ++i) most = std::max(most, std::abs(got[i] - plain[i]));
  expect(most > 1e-5,
         "The values are those of the network without its shortcut: y + z is missing.");
  expect_equal("the logits", std::vector<float>(got.begin(), got.end()),
               by_hand(*network, x).to_doubles(), 1e-4);
}

// Whether images are bright above or below.
void learns() {
  const ModulePtr network = make_network(2);
  ParameterBuffer parameters(network->parameters());
  SGD sgd(parameters, {.lr = 0.1, .momentum = 0.9});
  auto values = numbers(20 * 8 * 8 * 3, 3);
  std::vector<int> labels;
  for (std::size_t i = 0; i < 20; ++i) {
    labels.push_back(int(i % 2));
    for (std::size_t j = 0; j < 192; ++j) values[i * 192 + j] += i % 2 ? 0.7f : -0.7f;
  }
  const Tensor x = Tensor::from(values, {20, 8, 8, 3}), label = Tensor::from(labels, {20});
  double first = 0, last = 0;
  for (int step = 0; step < 30; ++step) {
    parameters.zero_grad();
    const Tensor loss = cross_entropy((*network)(x), label);
    last = loss.to_doubles()[0];
    if (step == 0) first = last;
    backward(loss);
    sgd.step();
  }
  expect(last < first / 2, "After 30 steps the loss is " + std::to_string(last) +
                               ", at first it was " + std::to_string(first) +
                               ": does a gradient reach every layer?");
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("parameters: their names and shapes", 3, names_and_shapes);
  sheet.part("values, with the shortcut", 4, values);
  sheet.part("it learns", 3, learns);
}

}  // namespace tweed::exercise
