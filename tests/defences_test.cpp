// Training against attacks: the losses, what a step does of each kind, and that a run goes on to
// the same bits.
#include <cmath>

#include "apps/paths.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"
#include "nn/containers.h"
#include "nn/forward_float.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "tests/catch.h"
#include "tests/ops/formula.h"
#include "tests/ops/golden_case.h"
#include "tests/support.h"
#include "train/defence.h"
#include "train/defence_losses.h"
#include "train/trainer.h"
#include "train/weight_perturbation.h"

using namespace tweed;
using nlohmann::json;

namespace {

const char* const names[] = {"awp", "fgsm", "free", "half", "mart", "pgd", "trades"};

// Twelve images of 32 pixels, of which networks see 12, in three classes.
const Dataset& scenes() {
  static const DataSplits data = open_dataset(
      "tiny", {.classes = "3", .image_size = 32, .tiny_train = 4, .tiny_validation = 2});
  return data.train;
}

ModulePtr network(Device device = {}, uint64_t seed = 1) {
  const InitSeed scope(seed);
  auto net = std::make_shared<Sequential>();
  net->add("conv", Conv2d(3, 6, 3, {.stride = 2, .padding = 1}));
  net->add("bn", BatchNorm2d(6, {.activation = Activation::relu}));
  net->add("dropout", Dropout(0.2));
  net->add("pool", GlobalAvgPool());
  net->add("fc", Linear(6, 3));
  net->to(device);
  return net;
}

// Two steps of an attack at an eps that tells.
DefenceOptions attacked() {
  const Normalization n;
  return {
      .attack = {.space = pixel_space(16 / 255., 8 / 255., n.mean, n.std), .steps = 2, .seed = 3}};
}

TrainerOptions options_for(const std::string& name) {
  return {.lr = 0.02,
          .epochs = 2,
          .batch_size = 4,
          .optimizer = "adamw",
          .ema = 0.9,
          .adversarial = name,
          .defence = attacked(),
          .image_size = 12,
          .seed = 5,
          .workers = 0};
}

TrainerState copy_of(const Trainer& trainer) {
  TrainerState state = trainer.state();
  for (auto& [name, t] : state.tensors) t = t.clone();
  return state;
}

void check_same(const TrainerState& a, const TrainerState& b) {
  CHECK(a.position.iteration == b.position.iteration);
  CHECK(a.position.score.loss == b.position.score.loss);
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    INFO(a.tensors[i].name);
    CHECK(same_bits(a.tensors[i].tensor, b.tensors[i].tensor));
  }
}

const SafeTensors& golden() {
  static const SafeTensors file =
      read_safetensors(source_path("tests/golden/defences.safetensors"));
  return file;
}

}  // namespace

TEST_CASE("The losses of TRADES and MART are PyTorch's", "[golden]") {
  int cases = 0;
  for (auto& [name, text] : golden().metadata) {
    if (!name.starts_with("trades") && !name.starts_with("mart")) continue;
    ++cases;
    for (Device device : test_devices()) {
      INFO(name << " on " << device.name());
      const GoldenCase c{golden(), name, json::parse(text), device};
      const Tensor clean = require_grad(c["clean"].clone()),
                   moved = require_grad(c["attacked"].clone());
      const Tensor y = (c.op() == "trades" ? trades_loss : mart_loss)(clean, moved, c["labels"],
                                                                      c.real("weight"));
      CHECK(difference(y.to_doubles(), c["y"].to_doubles(), 1e-13) == "");
      const auto gradients = grad_of(y, {clean, moved}, false, c["dy"]);
      CHECK(difference(gradients[0].to_doubles(), c["dclean"].to_doubles(), 1e-12) == "");
      CHECK(difference(gradients[1].to_doubles(), c["dattacked"].to_doubles(), 1e-12) == "");
    }
  }
  CHECK(cases == 12);
}

TEST_CASE("Answers that are sure beyond float32 leave losses and gradients finite") {
  for (Device device : test_devices())
    for (auto loss : {trades_loss, mart_loss}) {
      const Tensor labels = Tensor::from<int32_t>({0, 1}, {2}, device);
      const Tensor clean = Tensor::from<float>({300, -300, 0, -200, 200, 0}, {2, 3}, device),
                   moved = Tensor::from<float>({-300, 300, 0, -200, 200, 0}, {2, 3}, device);
      require_grad(clean), require_grad(moved);
      const Tensor y = loss(clean, moved, labels, 5);
      CHECK(std::isfinite(y.item()));
      for (auto& g : grad_of(y, {clean, moved}))
        for (double v : g.to_doubles()) CHECK(std::isfinite(v));
    }
}

TEST_CASE("AWP moves weights as PyTorch does, and back to the bit", "[golden]") {
  for (Device device : test_devices()) {
    INFO(device.name());
    auto by_formula = [&](const Shape& shape, uint32_t salt) {
      std::vector<double> values;
      for (int64_t i = 0; i < shape.size(); ++i) values.push_back(formula(uint32_t(i), salt));
      return Tensor::from(values, shape).to(device);
    };
    const GoldenCase c{golden(), "awp", json::parse(golden().metadata.at("awp")), device};
    const Tensor x = by_formula({8, 6}, 810), labels = c["labels"];
    const std::vector<Named> weights{{"0.weight", by_formula({5, 6}, 800)},
                                     {"0.bias", by_formula({5}, 801)},
                                     {"2.weight", by_formula({3, 5}, 802)},
                                     {"2.bias", by_formula({3}, 803)}};
    for (auto& [name, t] : weights) require_grad(t);
    const ParameterBuffer parameters(weights);
    auto loss = [&] {
      const Tensor hidden = relu(linear(x, weights[0].tensor, weights[1].tensor));
      return cross_entropy(linear(hidden, weights[2].tensor, weights[3].tensor), labels);
    };
    const Tensor before = parameters.values().clone();
    WeightPerturbation perturbation(parameters, c.real("gamma"));
    perturbation.up(loss());
    CHECK(same_bits(parameters.grads(), parameters.zeros()));
    const Tensor there = loss();
    CHECK(there.item() == Approx(c["loss"].item()).epsilon(1e-13));
    backward(there);
    for (auto& [name, t] : weights) {
      INFO(name);
      CHECK(difference(t.to_doubles(), c["moved/" + name].to_doubles(), 1e-13) == "");
      CHECK(difference(grad(t).to_doubles(), c["grad/" + name].to_doubles(), 1e-13) == "");
    }
    perturbation.back();
    CHECK(same_bits(parameters.values(), before));
  }
}

TEST_CASE("pgd, fgsm and half train on the images that their attack makes") {
  auto net = network();
  ParameterBuffer parameters(net->parameters());
  const Tensor x = random_tensor({4, 8, 8, 3}), labels = Tensor::from<int32_t>({0, 1, 2, 1}, {4});
  net->eval();  // without dropout
  const DefenceOptions options = attacked();
  auto loss = [&](const std::string& name) {
    return defence_called(name)(options, parameters, x).objective(*net, x, labels, 0).loss.item();
  };
  const Tensor pgd_images = pgd(*net, x, labels, options.attack).images;
  CHECK(loss("pgd") == classified(*net, pgd_images, labels).loss.item());
  CHECK(loss("half") == classified(*net, 0.5 * x + 0.5 * pgd_images, labels).loss.item());
  PgdOptions one = options.attack;
  one.steps = 1;
  for (std::size_t c = 0; c < 3; ++c) one.space.step[c] = 1.25f * one.space.eps[c];
  const Tensor fgsm_images = pgd(*net, x, labels, one).images;
  CHECK(loss("fgsm") == classified(*net, fgsm_images, labels).loss.item());
  CHECK(outside(fgsm_images, x, one.space) == 0);
}

TEST_CASE("TRADES looks for images whose answers diverge from those to clean ones") {
  auto net = network();
  ParameterBuffer parameters(net->parameters());
  const Tensor x = random_tensor({4, 8, 8, 3}), labels = Tensor::from<int32_t>({0, 1, 2, 1}, {4});
  net->eval();
  DefenceOptions options = attacked();
  auto loss = [&](double beta, int steps) {
    options.weight = beta;
    options.attack.steps = steps;
    const Defence trades = defence_called("trades")(options, parameters, x);
    return trades.objective(*net, x, labels, 0).loss.item();
  };
  const double clean = classified(*net, x, labels).loss.item();
  CHECK(loss(0, 2) == Approx(clean).epsilon(1e-6));
  const double apart = loss(1, 5) - clean;
  CHECK(apart > 0);
  // Noise of that size does far less.
  const Tensor noise = random_noise(x, options.attack.space, 1);
  const double by_noise =
      mean(divergences(forward_float(*net, x), forward_float(*net, noise))).item();
  CHECK(apart > 3 * by_noise);
}

TEST_CASE("A recorded step of each defence has the bits of one that is not, and cpu's result") {
  for (const std::string name : names) {
    std::vector<double> wanted;
    for (Device device : test_devices()) {
      INFO(name << " on " << device.name());
      TrainerOptions options = options_for(name);
      options.optimizer = "sgd";  // whose first step is no sign of a gradient that may be 0
      Trainer replayed(network(device), scenes(), options);
      options.record = false;
      Trainer plain(network(device), scenes(), options);
      replayed.step();
      std::vector<double> first;
      for (auto& [key, t] : replayed.network().state())
        for (double v : t.to_doubles()) first.push_back(v);
      if (wanted.empty()) wanted = first;
      // An image's pixel may go the other way where its gradient is 0 but for rounding.
      CHECK(difference(first, wanted, 2e-3) == "");
      while (!replayed.done()) replayed.epoch();
      while (!plain.done()) plain.epoch();
      check_same(copy_of(replayed), copy_of(plain));
    }
  }
}

TEST_CASE("A run against attacks goes on to the same bits from any step") {
  for (const std::string name : names)
    for (const DType compute : {DType::float32, DType::bfloat16}) {
      INFO(name << " in " << name_of(compute));
      TrainerOptions options = options_for(name);
      options.compute = compute;
      options.accumulate = 2;
      Trainer whole(network(), scenes(), options), first(network(), scenes(), options);
      while (!whole.done()) whole.epoch();
      for (int step = 0; step < 4; ++step)
        if (!first.step()) first.end_epoch(), first.step();
      Trainer second(network({}, 77), scenes(), options);
      second.load(copy_of(first));
      check_same(second.state(), first.state());
      while (!second.done()) second.epoch();
      check_same(second.state(), whole.state());
    }
}

TEST_CASE("Free training replays each batch, and its perturbation stays within eps") {
  TrainerOptions options = options_for("free");
  options.defence->attack.steps = 3;
  Trainer trainer(network(), scenes(), options);
  CHECK(trainer.iterations_per_epoch() == 9);
  CHECK(trainer.iterations() == 18);
  auto perturbation = [&] {
    for (auto& [name, t] : trainer.state().tensors)
      if (name == "defence.perturbation") return t.clone();
    FAIL("no perturbation in the state");
    return Tensor();
  };
  const auto& eps = options.defence->attack.space.eps;
  auto largest = [&](const std::vector<double>& values, std::size_t channel) {
    double most = 0;
    for (std::size_t i = channel; i < values.size(); i += 3)
      most = std::max(most, std::abs(values[i]));
    return most;
  };
  const auto at_first = perturbation().to_doubles();
  trainer.step();
  const auto after_one = perturbation().to_doubles();
  while (trainer.step()) continue;
  const auto after_epoch = perturbation().to_doubles();
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(largest(at_first, c) == 0);
    CHECK(largest(after_one, c) == double(eps[c]));
    CHECK(largest(after_epoch, c) == double(eps[c]));
  }
  CHECK(after_one != after_epoch);
  CHECK(trainer.score().count == 36);

  // Without a perturbation to find, replays are steps on the same images.
  options.augmentation = {};
  options.defence->attack.space = normalized_space(0, 0);
  options.lr = 0;
  auto without_dropout = hold(Sequential{Flatten(), Linear(12 * 12 * 3, 3)});
  options.log_steps = true;
  Trainer still(without_dropout, scenes(), options);
  while (still.step()) continue;
  const auto steps = still.new_steps();
  REQUIRE(steps.size() == 9);
  for (std::size_t i = 0; i < 9; ++i)
    CHECK((steps[i].score.loss == Approx(steps[i / 3 * 3].score.loss).epsilon(1e-6)));
  CHECK(steps[0].score.loss != Approx(steps[3].score.loss).epsilon(1e-6));
}

TEST_CASE("The pass that moves AWP's weights leaves no trace in running statistics") {
  for (Device device : test_devices()) {
    Trainer trainer(network(device), scenes(), options_for("awp"));
    trainer.step();
    for (auto& [name, t] : trainer.network().buffers())
      if (name == "bn.num_batches_tracked") CHECK(t.item() == 1);
  }
}

TEST_CASE("A defence of one's own has a name, and its state goes on with the training") {
  static int64_t calls = 0;
  static const bool once = [] {
    register_defence(
        "mine", [](const DefenceOptions&, const ParameterBuffer&, const Tensor& images) -> Defence {
          const Tensor count = Tensor::zeros({1}, DType::float32, images.device());
          return {[](Module& net, const Tensor& x, const Tensor& y, int64_t) {
                    return classified(net, x * 0.5, y);
                  },
                  [count] { Tensor(count).fill(double(++calls)); },
                  {{"calls", count}}};
        });
    return true;
  }();
  CHECK(once);
  Trainer trainer(network(), scenes(), options_for("mine"));
  trainer.epoch();
  CHECK(calls == 3);
  CHECK(copy_of(trainer).tensors.back().name == "defence.calls");
  CHECK(copy_of(trainer).tensors.back().tensor.item() == 3);
  CHECK_THROWS_WITH(register_defence("trades", {}),
                    Contains("there is a defence 'trades' already"));
  CHECK_THROWS_WITH(register_defence("pgd", {}), Contains("already"));
}

TEST_CASE("What does not go together in training against attacks is refused") {
  auto refused = [](const TrainerOptions& options, const std::string& what) {
    CHECK_THROWS_WITH(Trainer(network(), scenes(), options), Contains(what));
  };
  refused(options_for("tardes"), "no defence 'tardes'; there are ");
  for (const char* name : {"", "pgd", "fgsm", "trades", "free"}) CHECK(may_be_recorded(name, {}));
  CHECK_FALSE(may_be_recorded("deepfool", {}));  // it looks at numbers on the host
  CHECK_FALSE(may_be_recorded("pgd", {.draws = 2}));
  TrainerOptions mixing = options_for("fgsm");
  mixing.augmentation.mixup = 0.2;
  refused(mixing, "one label each");
  TrainerOptions still = options_for("trades");
  still.defence->attack.random_start = false;
  refused(still, "trades needs its random start");
  for (const char* name : {"trades", "free"}) {
    TrainerOptions aimed = options_for(name);
    aimed.defence->attack.goal = AttackGoal::least_likely;
    refused(aimed, "has a goal of its own");
  }
  TrainerOptions both = options_for("pgd");
  both.attack = [](Module&, const Tensor& x, const Tensor&) { return x; };
  refused(both, "not both");
  // The state of a run has a place in no other.
  Trainer free(network(), scenes(), options_for("free")),
      pgd(network(), scenes(), options_for("pgd"));
  CHECK_THROWS_WITH(pgd.load(copy_of(free)), Contains("'defence.perturbation'"));
  CHECK_THROWS_WITH(free.load(copy_of(pgd)), Contains("lacks 'defence.perturbation'"));
}
