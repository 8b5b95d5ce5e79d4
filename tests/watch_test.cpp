// The first NaN or infinity of a step is named: the operation, its pass, its layer.
#include <cmath>
#include <limits>

#include "autograd/elementwise.h"
#include "autograd/functions.h"
#include "autograd/non_finite.h"
#include "data/dataset.h"
#include "nn/containers.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "train/trainer.h"

using namespace tweed;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

// A layer between others that makes something of its input that need not be finite.
class Culprit : public Module {
 public:
  explicit Culprit(std::function<Tensor(const Tensor&)> f) : f_(std::move(f)) {}
  Tensor forward(const Tensor& x) override { return f_(x); }
  std::string description() const override { return "Culprit"; }

 private:
  std::function<Tensor(const Tensor&)> f_;
};

const DataSplits& scenes() {
  static const DataSplits data = open_dataset(
      "tiny", {.classes = "3", .image_size = 16, .tiny_train = 4, .tiny_validation = 2});
  return data;
}

ModulePtr network(Device device, std::function<Tensor(const Tensor&)> f) {
  const InitSeed seed(1);
  auto net = std::make_shared<Sequential>();
  net->add("conv", Conv2d(3, 4, 3, {.padding = 1}));
  net->add("culprit", Culprit(std::move(f)));
  net->add("flatten", Flatten());
  net->add("fc", Linear(16 * 16 * 4, 3));
  net->to(device);
  return net;
}

std::string message_of(Trainer& trainer) {
  try {
    for (int i = 0; i < 3; ++i) trainer.step();
    trainer.score();
  } catch (const Diverged& e) {
    return e.what();
  }
  return "nothing was found";
}

const TrainerOptions usual{.lr = 0.01, .epochs = 2, .batch_size = 4, .workers = 0};

}  // namespace

TEST_CASE("A forward pass that leaves the numbers is named with its layer", "[watch]") {
  for (Device device : test_devices()) {
    Trainer trainer(network(device, [](const Tensor& x) { return log(x - 1e6); }), scenes().train,
                    usual);
    trainer.watch(true);
    const std::string message = message_of(trainer);
    INFO(message);
    CHECK(message.find("[log] gives NaN in its forward pass, of shape (4, 16, 16, 4)") == 0);
    CHECK(message.find("in layer culprit (Culprit)") != std::string::npos);
    CHECK(message.find("epoch 1, iteration 1") != std::string::npos);
  }
}

TEST_CASE("So is a backward pass", "[watch]") {
  for (Device device : test_devices()) {
    // The root of 0 is 0, its slope is not a number to go on with.
    Trainer trainer(network(device, [](const Tensor& x) { return sqrt(relu(x)); }), scenes().train,
                    usual);
    trainer.watch(true);
    const std::string message = message_of(trainer);
    INFO(message);
    CHECK(message.find(
              "[sqrt] gives infinity in its backward pass, in the gradient of its input 0") == 0);
    CHECK(message.find("in layer culprit (Culprit)") != std::string::npos);
  }
}

TEST_CASE("A weight that an update spoils is named, not the layer that is given it", "[watch]") {
  TrainerOptions wild = usual;
  wild.lr = 1e38;
  Trainer trainer(network({}, [](const Tensor& x) { return 1e10 * x; }), scenes().train, wild);
  trainer.watch(true);
  const std::string message = message_of(trainer);
  INFO(message);
  CHECK(message.find(" after the optimizer's step") != std::string::npos);
  CHECK(message.find("weight has ") != std::string::npos);
}

TEST_CASE("An image that is no number is told from what operations make", "[watch]") {
  const Tensor x = Tensor::from(std::vector<float>{1, infinity}, {2});
  const Tensor leaf = Tensor::from(std::vector<float>{1, 2}, {2});
  require_grad(leaf);
  const FindNonFinite looking;
  CHECK_THROWS_WITH(x * leaf, Contains("[mul] is given infinity, in its input 0 of shape (2)"));
  CHECK_NOTHROW(leaf * leaf);
}

TEST_CASE("What float16 does not hold is named at the cast", "[watch]") {
  for (Device device : test_devices()) {
    const FindNonFinite looking;
    const Tensor x = Tensor::from<float>({1, 65504}, {2}, device);
    const Tensor leaf = require_grad(cast(x, DType::float16));
    CHECK(non_finite(cast(require_grad(x.clone()), DType::float16)).empty());
    CHECK_THROWS_WITH(cast(require_grad(x * 2), DType::float16),
                      Contains("[cast] gives infinity in its forward pass"));
    CHECK_THROWS_WITH(backward(cast(leaf, DType::float32), false, x * 2),
                      Contains("[cast] gives infinity in its backward pass"));
  }
}

TEST_CASE("Without somebody who wants it nothing is looked at", "[watch]") {
  const Tensor x = Tensor::from(std::vector<float>{-1}, {1});
  CHECK(std::isnan(log(x).item()));
  {
    const FindNonFinite looking;
    CHECK_THROWS_AS(log(x), NonFinite);
    const FindNonFinite not_now(false);
    CHECK_NOTHROW(log(x));
  }
  CHECK_NOTHROW(log(x));
}

TEST_CASE("Looking changes no bit of a step", "[watch]") {
  for (Device device : test_devices()) {
    auto weights = [&](bool watched) {
      auto net = network(device, [](const Tensor& x) { return relu(x); });
      Trainer trainer(net, scenes().train, usual);
      trainer.watch(watched);
      while (trainer.step()) continue;
      return net->state();
    };
    const auto plain = weights(false), watched = weights(true);
    for (std::size_t i = 0; i < plain.size(); ++i) {
      INFO(device.name() << " " << plain[i].name);
      CHECK(same_bits(plain[i].tensor, watched[i].tensor));
    }
  }
}
