// Whole training steps: recorded and replayed, in bfloat16 with master weights, on each device.
#include <cmath>

#include "attacks/pgd.h"
#include "autograd/loss.h"
#include "nn/forward_float.h"
#include "nn/freeze.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/models/models.h"
#include "optim/ema.h"
#include "optim/sgd.h"
#include "tensor/replay.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "train/defence.h"
#include "train/options.h"
#include "train/step.h"

using namespace tweed;

namespace {

// Convolution, batch norm, dropout: everything that a step may change.
ModulePtr small_network(Device device) {
  const InitSeed seed(1);
  auto network = std::make_shared<Sequential>();
  network->add("conv", Conv2d(3, 6, 3, {.padding = 1}));
  network->add("bn", BatchNorm2d(6, {.activation = Activation::relu}));
  network->add("dropout", Dropout(0.3));
  network->add("pool", GlobalAvgPool());
  network->add("fc", Linear(6, 4));
  network->to(device);
  return network;
}

struct Kind {
  bool recorded = true, attacked = false;
  DType compute = DType::float32;
  std::string optimizer = "adam";
};

// A step with everything that it may have, on batches of four random images.
class Steps {
 public:
  Steps(Device device, const Kind& kind)
      : network(small_network(device)),
        parameters(network->parameters(), {no_decay_of_vectors}, kind.compute),
        optimizer(make_optimizer(
            {.lr = 0.02, .optimizer = kind.optimizer, .weight_decay = 0.01, .head = "fc"},
            parameters)),
        ema(parameters, 0.9),
        images(Tensor::zeros({4, 6, 6, 3}, DType::float32, device)),
        labels(Tensor::zeros({4}, DType::int32, device)),
        step(*network, parameters, *optimizer, options(device, kind), images, labels) {}

  // Returns the loss of a step.
  double operator()(int number) {
    images.copy_from(random_tensor(images.shape(), DType::float32, {}, uint64_t(number)));
    labels.copy_from(Tensor::from(std::vector<int32_t>{number % 4, 1, 2, (number + 1) % 4}, {4}));
    optimizer->set_lr(0.02 / (number + 1));
    step.score().set({});
    step(number);
    return step.score().read().average().loss;
  }
  std::vector<Named> state() const {
    std::vector<Named> all = network->state();
    for (auto& part : {optimizer->state(), ema.state()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }

  ModulePtr network;
  ParameterBuffer parameters;
  std::unique_ptr<Optimizer> optimizer;
  Ema ema;
  Tensor images, labels;
  Step step;

 private:
  StepOptions options(Device device, const Kind& kind) {
    StepOptions o{.clip_grad = 0.5, .seed = 7, .ema = &ema, .record = kind.recorded};
    if (kind.attacked)
      o.objective = against(
          pgd_in_step({.space = normalized_space(0.1, 0.05), .steps = 2, .seed = 3}, device));
    return o;
  }
};

}  // namespace

TEST_CASE("A recorded step has the bits of one that is not, in everything it changes") {
  for (Device device : test_devices())
    for (const Kind& o :
         {Kind{}, Kind{.attacked = true}, Kind{.compute = DType::bfloat16},
          Kind{.optimizer = "sgd"}, Kind{.optimizer = "rmsprop"}, Kind{.optimizer = "lion"},
          Kind{.optimizer = "muon"}, Kind{.compute = DType::bfloat16, .optimizer = "rmsprop"},
          Kind{.compute = DType::bfloat16, .optimizer = "lion"},
          Kind{.compute = DType::bfloat16, .optimizer = "muon"}}) {
      INFO(device.name() << ", attacked " << o.attacked << ", " << name_of(o.compute) << ", "
                         << o.optimizer);
      Kind unrecorded = o;
      unrecorded.recorded = false;
      Steps replayed(device, o), plain(device, unrecorded);
      std::vector<double> losses;
      for (int step = 0; step < 6; ++step) {
        losses.push_back(replayed(step));
        CHECK(losses.back() == plain(step));
      }
      CHECK(replayed.step.replays() == (device.kind() != Device::Kind::cpu));
      CHECK_FALSE(plain.step.replays());
      const auto a = replayed.state(), b = plain.state();
      for (std::size_t i = 0; i < a.size(); ++i) {
        INFO(a[i].name);
        CHECK(same_bits(a[i].tensor, b[i].tensor));
      }
    }
}

TEST_CASE("Replay does its work each time it is called, with what is in memory then") {
  for (Device device : test_devices()) {
    INFO(device.name());
    Tensor in = Tensor::zeros({3}, DType::float32, device), out = Tensor::zeros_like(in);
    int calls = 0;
    Replay twice(device, [&] {
      ++calls;
      const Tensor doubled = in + in;  // from the arena
      out.copy_from(doubled);
    });
    for (double v : {1., 2., 3., 4., 5.}) {
      in.fill(v);
      twice();
      // Memory that others take meanwhile is never the arena's.
      const Tensor other = Tensor::full({3}, -1, DType::float32, device);
      CHECK(out.to_doubles() == std::vector<double>(3, 2 * v));
      CHECK(other.to_doubles() == std::vector<double>(3, -1));
    }
    CHECK(calls == (device.kind() == Device::Kind::cpu ? 5 : 3));
  }
}

TEST_CASE("A recording refuses copies from and to the host, and ends well") {
  for (Device device : test_devices()) {
    if (device.kind() == Device::Kind::cpu) continue;
    const Tensor t = Tensor::zeros({1}, DType::float32, device);
    int calls = 0;
    Replay reads(device, [&] {
      if (++calls > 2) t.item();
    });
    reads();
    reads();
    CHECK_THROWS_WITH(reads(), "[replay] a copy from " + device.name() +
                                   " to cpu cannot be recorded: do it before or after the "
                                   "recorded work");
    t.fill(3);  // is done, not recorded
    CHECK(t.item() == 3);
  }
}

TEST_CASE("A recording that broke off leaves the device as it was") {
  for (Device device : test_devices()) {
    if (device.kind() == Device::Kind::cpu) continue;
    Tensor t = Tensor::zeros({1}, DType::float32, device);
    int calls = 0;
    Replay broken(device, [&] {
      t.fill(++calls);
      if (calls != 3) return;
      synchronize(device);  // which CUDA refuses, and then the recording is lost
      throw Error("broke off");
    });
    broken();
    broken();
    CHECK_THROWS_AS(broken(), Error);
    CHECK_FALSE(broken.replays());
    t.fill(5);  // is not blamed for it
    CHECK(t.item() == 5);
    broken();  // records what it does now
    CHECK(broken.replays());
    CHECK(t.item() == 4);
  }
}

TEST_CASE("A recording may allocate, but gives no memory back meanwhile") {
  for (Device device : test_devices()) {
    if (device.kind() == Device::Kind::cpu) continue;
    release_cached_memory(device);
    const Tensor out = Tensor::zeros({1}, DType::float32, device);
    auto third = [&](auto work) {
      auto replay = std::make_unique<Replay>(device, [work, calls = 0]() mutable {
        if (++calls > 2) work();
      });
      (*replay)();
      (*replay)();
      return replay;
    };
    const auto grows = third([&] {
      Tensor(out).copy_from(Tensor::full({1 << 19}, 2, DType::float32, device).slice(7, 8));
    });
    (*grows)();
    CHECK(grows->replays());
    CHECK(out.item() == 2);

    const auto starves = third([&] { Tensor::empty({1 << 19}, DType::float32, device); });
    { Tensor cached = Tensor::empty({1 << 20}, DType::float32, device); }
    const auto before = memory_stats(device);
    set_memory_limit(device, before.reserved);
    CHECK_THROWS_WITH((*starves)(), Contains("[memory] " + device.name() + " has no 2.1 MB") &&
                                        Contains("while it records"));
    CHECK(memory_stats(device).reserved == before.reserved);
    CHECK_NOTHROW(Tensor::empty({1 << 19}, DType::float32, device));  // in place of what is cached
    CHECK(memory_stats(device).reserved < before.reserved);
    set_memory_limit(device, 0);

    const auto returns = third([&] { release_cached_memory(device); });
    CHECK_THROWS_WITH((*returns)(), Contains("nothing can be given back meanwhile"));
    CHECK_NOTHROW(release_cached_memory(device));
  }
}

TEST_CASE("An arena's memory goes back to the pool") {
  for (Device device : test_devices()) {
    release_cached_memory(device);
    const auto before = memory_stats(device);
    {
      Replay step(device, [&] { Tensor::zeros({5000}, DType::float32, device); });
      for (int i = 0; i < 4; ++i) step();
      CHECK(memory_stats(device).current == before.current);
    }
    release_cached_memory(device);
    CHECK(memory_stats(device).reserved == before.reserved);
  }
}

TEST_CASE("bfloat16 layers train float32 master weights") {
  for (Device device : test_devices()) {
    INFO(device.name());
    Steps half(device, {.compute = DType::bfloat16}), full(device, {});
    CHECK(half.network->dtype() == DType::bfloat16);
    CHECK(half.parameters.values().dtype() == DType::float32);
    CHECK(half.parameters.grads().dtype() == DType::bfloat16);
    // The masters begin as the parameters were, and are not rounded.
    CHECK(same_bits(half.parameters.values(), full.parameters.values()));
    const auto before = half.parameters.values().to_doubles();
    for (int step = 0; step < 4; ++step) CHECK(half(step) == Approx(full(step)).epsilon(0.03));
    const auto a = half.parameters.values().to_doubles(), b = full.parameters.values().to_doubles();
    double apart = 0, moved = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      apart += std::abs(a[i] - b[i]);
      moved += std::abs(a[i] - before[i]);
    }
    CHECK(apart < 0.2 * moved);
    auto rounded = [](const Tensor& t) { return t.to(DType::bfloat16).to_doubles(); };
    const Tensor weight = half.network->parameters()[0].tensor;
    const auto computed = weight.to_doubles();
    {
      const MasterWeights masters(half.parameters);
      CHECK(half.network->dtype() == DType::float32);
      CHECK(rounded(weight) == computed);
      CHECK(weight.to_doubles() != computed);
    }
    CHECK(half.network->dtype() == DType::bfloat16);
    {
      const AveragedWeights averaged(&half.ema);
      CHECK(weight.to_doubles() != computed);
    }
    CHECK(weight.to_doubles() == computed);
  }
}

TEST_CASE("Frozen parameters compute in bfloat16 and keep their float32 values") {
  auto network = small_network({});
  const auto before = network->find("conv").parameters()[0].tensor.to_doubles();
  freeze(*network, "conv.*");
  ParameterBuffer parameters(network->parameters(), {}, DType::bfloat16);
  CHECK(network->find("conv").parameters()[0].tensor.dtype() == DType::bfloat16);
  const Tensor y = forward_float(*network, random_tensor({2, 6, 6, 3}));
  CHECK(y.dtype() == DType::float32);
  const MasterWeights masters(parameters);
  CHECK(network->find("conv").parameters()[0].tensor.to_doubles() == before);
  CHECK_THROWS_WITH(ParameterBuffer(network->parameters(), {}, DType::int32),
                    "[optim] float32 parameters do not compute in int32");
}

TEST_CASE("TF32 is a mode of GPUs") {
  for (Device device : test_devices()) {
    if (device.is_cuda()) {
      set_tf32(device, true);
      set_tf32(device, false);
      continue;
    }
    CHECK_NOTHROW(set_tf32(device, false));
    CHECK_THROWS_AS(set_tf32(device, true), DeviceError);
  }
}

TEST_CASE("Twenty steps give the same losses on every device") {
  Steps on_cpu({}, {});
  std::vector<double> wanted;
  for (int step = 0; step < 20; ++step) wanted.push_back(on_cpu(step));
  for (Device device : test_devices()) {
    Steps steps(device, {});
    std::vector<double> losses;
    for (int step = 0; step < 20; ++step) losses.push_back(steps(step));
    INFO(device.name());
    CHECK(difference(losses, wanted, 1e-4) == "");
  }
}

TEST_CASE("SimpleNet gives the same losses on every device for twenty steps") {
  // Thirty-two pixels are the least that its pools leave something of.
  const Tensor x = random_tensor({1, 32, 32, 3}), labels = Tensor::from<int32_t>({3}, {1});
  auto losses_on = [&](Device device) {
    auto network = make_model("simplenet", {.classes = 4, .image_size = 32});
    network->to(device);
    ParameterBuffer parameters(network->parameters());
    SGD sgd(parameters, {.lr = 0.01, .momentum = 0.9, .weight_decay = 1e-4});
    const Tensor images = x.to(device), targets = labels.to(device);
    Step step(*network, parameters, sgd, {}, images, targets);
    std::vector<double> losses;
    for (int i = 0; i < 20; ++i) {
      step.score().set({});
      step(i);
      losses.push_back(step.score().read().average().loss);
    }
    return losses;
  };
  const auto wanted = losses_on({});
  for (Device device : test_devices()) {
    INFO(device.name());
    CHECK(difference(losses_on(device), wanted, 1e-4) == "");
  }
}
