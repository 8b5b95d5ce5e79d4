// Optimizers, averages and schedules against PyTorch's over 50 steps (tests/golden/README.md).
#include <memory>

#include "apps/paths.h"
#include "autograd/elementwise.h"
#include "autograd/graph_stats.h"
#include "autograd/loss.h"
#include "nn/activation.h"
#include "nn/freeze.h"
#include "nn/layers.h"
#include "optim/adam.h"
#include "optim/ema.h"
#include "optim/lion.h"
#include "optim/muon.h"
#include "optim/rmsprop.h"
#include "optim/schedule.h"
#include "optim/sgd.h"
#include "record/checkpoint.h"
#include "record/safetensors.h"
#include "tests/catch.h"
#include "tests/ops/formula.h"
#include "tests/support.h"

using namespace tweed;

namespace {

constexpr int steps = 50;

const SafeTensors& golden() {
  static const SafeTensors file = read_safetensors(source_path("tests/golden/optim.safetensors"));
  return file;
}

Tensor by_formula(const Shape& shape, uint32_t salt, DType dtype, Device device) {
  std::vector<double> values;
  for (int64_t i = 0; i < shape.size(); ++i) values.push_back(formula(uint32_t(i), salt));
  return Tensor::from(values, shape).to(dtype).to(device);
}

// Parameters whose gradients come from a formula, so that no network is needed. Shapes are those in
// files.
using Shapes = std::vector<std::pair<std::string, Shape>>;
const Shapes three{{"conv.weight", {5, 7}}, {"conv.bias", {5}}, {"fc.weight", {3, 4}}};
const Shapes for_muon{{"conv.weight", {6, 2, 3, 3}},
                      {"conv.bias", {6}},
                      {"tall.weight", {9, 4}},
                      {"wide.weight", {3, 8}}};

std::vector<Named> problem(DType dtype, Device device, const Shapes& shapes = three) {
  std::vector<Named> parameters;
  uint32_t salt = 500;
  for (auto& [name, shape] : shapes)
    parameters.push_back(
        {name, require_grad(from_file_axes(by_formula(shape, salt++, dtype, {})).to(device))});
  return parameters;
}
void set_gradients(const std::vector<Named>& parameters, int step) {
  uint32_t salt = uint32_t(1000 + 10 * step);
  for (auto& [name, w] : parameters) {
    NoGrad no_grad;
    Tensor noise =
        from_file_axes(by_formula(to_file_axes(w).shape(), salt++, w.dtype(), {})).to(w.device());
    grad(w).copy_from(w.detach() - 0.5 + noise);
  }
}

// Compares with CASE/STEP/NAME after the steps that are stored.
void compare(const std::string& name, int step, const std::vector<Named>& parameters,
             double least_tolerance = 0) {
  if (step != 1 && step != 10 && step != 50) return;
  for (auto& [key, w] : parameters) {
    const std::string stored = name + "/" + std::to_string(step) + "/" + key;
    INFO(stored << " in " << name_of(w.dtype()) << " on " << w.device().name());
    const double tolerance = std::max(least_tolerance, w.dtype() == DType::float64 ? 1e-12 : 1e-5);
    CHECK(difference(to_file_axes(w).to_doubles(), golden().tensors.at(stored).to_doubles(),
                     tolerance) == "");
  }
}

using Make = std::function<std::unique_ptr<Optimizer>(ParameterBuffer&)>;
template <class O>
Make make(const typename O::Options& options) {
  return [=](ParameterBuffer& p) { return std::make_unique<O>(p, options); };
}

const std::vector<ParameterRule> groups{no_decay_of_vectors, {.pattern = "fc.*", .lr = 0.1}};

struct Row {
  std::string name;
  Make make;
  std::vector<ParameterRule> rules;
  double clip = 0;
  const Shapes* shapes = &three;
  double tolerance = 0;
};
const Row rows[] = {
    {"sgd", make<SGD>({.lr = 0.05, .momentum = 0.9}), {}},
    {"sgd_plain", make<SGD>({.lr = 0.05}), {}},
    {"sgd_decay", make<SGD>({.lr = 0.05, .momentum = 0.9, .weight_decay = 0.1}), {}},
    {"sgd_nesterov",
     make<SGD>({.lr = 0.05, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true}),
     {}},
    {"sgd_groups", make<SGD>({.lr = 0.05, .momentum = 0.9, .weight_decay = 0.1}), groups},
    {"sgd_clipped", make<SGD>({.lr = 0.05, .momentum = 0.9}), {}, 1.5},
    {"adam", make<Adam>({.lr = 0.02}), {}},
    {"adam_decay",
     make<Adam>({.lr = 0.02, .weight_decay = 0.1, .beta1 = 0.8, .beta2 = 0.99, .eps = 1e-3}),
     {}},
    {"adamw", make<Adam>({.lr = 0.02, .weight_decay = 0.01, .decoupled = true}), {}},
    {"adamw_groups", make<Adam>({.lr = 0.02, .weight_decay = 0.1, .decoupled = true}), groups},
    {"sgd_dampened",
     make<SGD>({.lr = 0.05, .momentum = 0.9, .weight_decay = 0.1, .dampening = 0.3}),
     {}},
    {"rmsprop", make<RMSprop>({.lr = 0.01}), {}},
    {"rmsprop_momentum",
     make<RMSprop>({.lr = 0.01, .alpha = 0.9, .eps = 1e-3, .momentum = 0.8}),
     {}},
    {"rmsprop_centered",
     make<RMSprop>({.lr = 0.01, .weight_decay = 0.1, .momentum = 0.5, .centered = true}),
     {}},
    {"rmsprop_groups", make<RMSprop>({.lr = 0.01, .weight_decay = 0.1}), groups},
    {"lion", make<Lion>({.lr = 0.01}), {}},
    {"lion_groups", make<Lion>({.lr = 0.01, .weight_decay = 0.1, .beta1 = 0.8, .beta2 = 0.95}),
     groups},
    {"muon", make<Muon>({}), {}, 0, &for_muon},
    {"muon_plain",
     make<Muon>({.weight_decay = 0, .momentum = 0.8, .nesterov = false, .ns_steps = 3}),
     {},
     0,
     &for_muon},
    {"muon_head",
     make<Muon>({.weight_decay = 0.1, .momentum = 0.9, .by_adam = {"wide.*"}}),
     {},
     0,
     &for_muon},
    // PyTorch rounds to bfloat16 within a step.
    {"muon_rounded", make<Muon>({}), {}, 0, &for_muon, 5e-3},
};

template <class F>
void on_all(F f) {
  for (Device device : test_devices())
    for (DType dtype : {DType::float32, DType::float64}) f(device, dtype);
}

}  // namespace

TEST_CASE("Optimizers take PyTorch's way") {
  on_all([](Device device, DType dtype) {
    for (auto& row : rows) {
      auto parameters = problem(dtype, device, *row.shapes);
      ParameterBuffer buffer(parameters, row.rules);
      auto optimizer = row.make(buffer);
      for (int step = 1; step <= steps; ++step) {
        set_gradients(parameters, step);
        if (row.clip > 0) buffer.clip_grad_norm(row.clip);
        optimizer->step();
        compare(row.name, step, parameters, row.tolerance);
      }
      CHECK(optimizer->steps() == steps);
    }
  });
}

TEST_CASE("A moving average of weights is PyTorch's, and changes places with them") {
  on_all([](Device device, DType dtype) {
    auto parameters = problem(dtype, device);
    ParameterBuffer buffer(parameters);
    SGD sgd(buffer, {.lr = 0.05, .momentum = 0.9});
    Ema ema(buffer, 0.9);
    for (int step = 1; step <= steps; ++step) {
      set_gradients(parameters, step);
      sgd.step();
      ema.update();
      Tensor before = buffer.values().clone();
      {
        AveragedWeights scope(&ema);
        compare("ema", step, parameters);
      }
      compare("sgd", step, parameters);
      CHECK(same_bits(buffer.values(), before));
    }
  });
  auto parameters = problem(DType::float32, {});
  ParameterBuffer buffer(parameters);
  CHECK_THROWS_WITH(Ema(buffer, 1.5), Contains("[ema] decay is 1.5"));
}

TEST_CASE("Schedules are PyTorch's") {
  const OneCycle cycle{.lr = 0.1, .total = steps};
  const OneCycle early{.lr = 0.1, .total = steps, .rising = 0.11, .start = 0.1, .last = 0.1 / 100};
  const std::pair<const char*, Schedule> all[] = {
      {"lr/constant", constant(0.1)},
      {"lr/step", step_decay(0.1, 15, 0.5)},
      {"lr/multi_step", multi_step(0.1, {10, 11, 40})},
      {"lr/cosine", cosine(0.1, steps, 1e-3)},
      {"lr/one_cycle", one_cycle(cycle)},
      {"momentum/one_cycle", one_cycle_momentum(cycle)},
      {"lr/one_cycle_early", one_cycle(early)},
      {"momentum/one_cycle_early", one_cycle_momentum(early)},
      {"lr/warm_step", warm_up(8, step_decay(0.1, 20, 0.5), 0.1)},
  };
  for (auto& [name, schedule] : all) {
    INFO(name);
    std::vector<double> rates;
    for (int64_t i = 0; i < steps; ++i) rates.push_back(schedule(i));
    CHECK(difference(rates, golden().tensors.at(name).to_doubles(), 1e-14) == "");
  }
  CHECK(warm_up(0, constant(0.5))(0) == 0.5);
  CHECK(warm_up(4, cosine(0.5, 10))(0) == 0);
  CHECK(cosine(0.5, 10, 0.1)(1000) == Approx(0.1));
  CHECK(cosine(0.5, 1)(0) == 0.5);
  CHECK(std::isfinite(one_cycle({.lr = 1, .total = 1})(0)));
}

namespace {

// Linear 6-5, ReLU, Linear 5-3, by the formula.
struct SmallNetwork {
  Sequential network;
  Tensor x, labels;

  SmallNetwork(DType dtype, Device device) {
    network.add(Linear(6, 5));
    network.add(make_activation("ReLU"));
    network.add(Linear(5, 3));
    uint32_t salt = 600;
    for (auto& [name, w] : network.parameters())
      w.copy_from(by_formula(w.shape(), salt++, DType::float64, {}));
    network.to(device);
    x = by_formula({8, 6}, 700, dtype, device);
    labels = Tensor::from<int32_t>({0, 1, 2, 0, 1, 2, 0, 1}, {8}, device);
  }
  Tensor loss(int64_t first = 0, int64_t last = 8) {
    return cross_entropy(network(x.slice(first, last)), labels.slice(first, last));
  }
};

std::vector<Tensor> copies(const std::vector<Named>& tensors) {
  std::vector<Tensor> result;
  for (auto& [name, t] : tensors) result.push_back(t.clone());
  return result;
}

}  // namespace

TEST_CASE("AdamW trains a network in one cycle as PyTorch does") {
  for (Device device : test_devices()) {
    SmallNetwork small(DType::float32, device);
    ParameterBuffer buffer(small.network.parameters(), {no_decay_of_vectors});
    Adam adamw(buffer, {.weight_decay = 0.05, .decoupled = true});
    const OneCycle cycle{.lr = 0.1, .total = steps};
    const Schedule rate = one_cycle(cycle), momentum = one_cycle_momentum(cycle);
    std::vector<double> losses;
    for (int step = 1; step <= steps; ++step) {
      Tensor loss = small.loss();
      losses.push_back(loss.item());
      buffer.zero_grad();
      backward(loss);
      adamw.set_lr(rate(step - 1));
      adamw.set_momentum(momentum(step - 1));
      adamw.step();
      compare("network", step, small.network.parameters());
    }
    CHECK(difference(losses, golden().tensors.at("network/losses").to_doubles(), 1e-5) == "");
  }
}

TEST_CASE("Small batches add up to the gradient and the step of a large one") {
  for (Device device : test_devices()) {
    SmallNetwork small(DType::float32, device);
    ParameterBuffer buffer(small.network.parameters());
    backward(small.loss());
    const auto whole = buffer.grads().to_doubles();
    buffer.zero_grad();
    for (int64_t part = 0; part < 4; ++part) backward(small.loss(2 * part, 2 * part + 2) / 4.0);
    CHECK(difference(buffer.grads().to_doubles(), whole, 1e-6) == "");
  }
}

TEST_CASE("Rules put parameters with equal factors side by side, with one launch for each") {
  auto parameters = problem(DType::float32, {});
  ParameterBuffer plain(parameters);
  CHECK(plain.groups().size() == 1);
  ParameterBuffer buffer(parameters, {{.pattern = "*.bias", .weight_decay = 0},
                                      {.pattern = "conv.*", .lr = 0.5},
                                      {.pattern = "*v.b*", .lr = 2}});
  std::vector<std::string> names;
  for (auto& [name, t] : buffer.parameters()) names.push_back(name);
  CHECK(names == std::vector<std::string>{"conv.weight", "conv.bias", "fc.weight"});
  REQUIRE(buffer.groups().size() == 3);
  CHECK(buffer.groups()[0].lr == 0.5);
  CHECK(buffer.groups()[1].lr == 1);
  CHECK(buffer.groups()[1].weight_decay == 0);
  CHECK(buffer.groups()[2].last == buffer.values().size());
  ParameterBuffer two(parameters, {{.pattern = "*.weight", .lr = 3}});
  REQUIRE(two.groups().size() == 2);
  CHECK(two.parameters()[1].name == "fc.weight");
  CHECK(two.parameters()[2].name == "conv.bias");
}

TEST_CASE("Frozen parameters get no gradient, keep their bits, and stay in checkpoints") {
  for (Device device : test_devices()) {
    SmallNetwork small(DType::float32, device);
    const auto before = small.network.state();
    CHECK(freeze(small.network, "0.*") == 2);
    CHECK_THROWS_WITH(freeze(small.network, "conv1.*"), Contains("fits 'conv1.*'"));
    const auto old = copies(before);
    ParameterBuffer buffer(small.network.parameters());
    CHECK(buffer.parameters().size() == 2);
    SGD sgd(buffer, {.lr = 0.1});
    Tensor loss = small.loss();
    CHECK(graph_stats(loss).operations == 2);  // linear 2 and the loss
    backward(loss);
    sgd.step();
    const auto after = small.network.state();
    REQUIRE(after.size() == before.size());
    for (std::size_t i = 0; i < after.size(); ++i) {
      CHECK(after[i].name == before[i].name);
      CHECK(same_bits(after[i].tensor, old[i]) == (i < 2));
    }
    CHECK(unfreeze(small.network, "0.weight") == 1);
    CHECK(ParameterBuffer(small.network.parameters()).parameters().size() == 3);
    freeze(small.network, "*");
    CHECK_THROWS_WITH(ParameterBuffer(small.network.parameters()),
                      Contains("no parameters that require gradients"));
  }
}

TEST_CASE("An optimizer and an average go on from their state to the same bits") {
  for (auto& row : rows) {
    INFO(row.name);
    auto run = [&](int restart) {
      auto parameters = problem(DType::float32, {}, *row.shapes);
      auto buffer = std::make_unique<ParameterBuffer>(parameters, row.rules);
      auto optimizer = row.make(*buffer);
      auto ema = std::make_unique<Ema>(*buffer, 0.9);
      for (int step = 1; step <= 12; ++step) {
        set_gradients(parameters, step);
        optimizer->step();
        ema->update();
        if (step != restart) continue;
        const auto kept = copies(optimizer->state()), averages = copies(ema->state());
        buffer = std::make_unique<ParameterBuffer>(parameters, row.rules);
        optimizer = row.make(*buffer);
        ema = std::make_unique<Ema>(*buffer, 0.9);
        for (std::size_t i = 0; i < kept.size(); ++i)
          optimizer->state()[i].tensor.copy_from(kept[i]);
        for (std::size_t i = 0; i < averages.size(); ++i)
          ema->state()[i].tensor.copy_from(averages[i]);
      }
      auto result = copies(parameters);
      for (auto& t : copies(ema->state())) result.push_back(t);
      return result;
    };
    const auto straight = run(0), resumed = run(5);
    for (std::size_t i = 0; i < straight.size(); ++i) CHECK(same_bits(straight[i], resumed[i]));
  }
}
