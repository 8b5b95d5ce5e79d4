// Trainer, evaluation and attacks as a program calls them, on a few drawn images.
#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "attacks/pgd.h"
#include "autograd/elementwise.h"
#include "autograd/shape_ops.h"
#include "data/dataset.h"
#include "nn/models/models.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;

namespace {

// Twelve training and six validation images of 32 x 32 pixels, in three classes.
const DataSplits& scenes() {
  static const DataSplits data = open_dataset(
      "tiny", {.classes = "3", .image_size = 32, .tiny_train = 4, .tiny_validation = 2});
  return data;
}

ModulePtr network(Device device = {}, uint64_t seed = 1) {
  auto net = make_model("simplenet_bn", {.classes = 3, .seed = seed, .image_size = 32});
  net->to(device);
  return net;
}

// Everything that changes what a step computes.
TrainerOptions usual() {
  return {.lr = 0.02,
          .epochs = 3,
          .batch_size = 4,
          .optimizer = "adamw",
          .warmup = 1,
          .clip_grad = 1,
          .accumulate = 2,
          .ema = 0.9,
          .seed = 5,
          .workers = 1};
}

void check_same(const TrainerState& a, const TrainerState& b) {
  CHECK(a.position.epoch == b.position.epoch);
  CHECK(a.position.iteration == b.position.iteration);
  CHECK(a.position.score.loss == b.position.score.loss);
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    INFO(a.tensors[i].name);
    CHECK(a.tensors[i].name == b.tensors[i].name);
    CHECK(same_bits(a.tensors[i].tensor, b.tensors[i].tensor));
  }
}

TrainerState copy_of(const Trainer& trainer) {
  TrainerState state = trainer.state();
  for (auto& [name, t] : state.tensors) t = t.clone();
  return state;
}

}  // namespace

TEST_CASE("A trainer that goes on from a state ends with the bits of one that never stopped") {
  for (const DType compute : {DType::float32, DType::bfloat16})
    for (const int64_t stop :
         {0, 1, 3, 4}) {  // at the start, within an epoch, at its end, after it
      INFO(name_of(compute) << " after " << stop);
      TrainerOptions options = usual();
      options.compute = compute;
      Trainer whole(network(), scenes().train, options), first(network(), scenes().train, options);
      while (!whole.done()) whole.epoch();
      for (int64_t i = 0; i < stop; ++i) {
        if (!first.step()) {
          first.end_epoch();
          first.step();
        }
      }
      const TrainerState state = copy_of(first);
      first.epoch();  // what was copied stays as it was
      Trainer second(network({}, 77), scenes().train, options);
      second.load(state);
      check_same(second.state(), state);
      while (!second.done()) second.epoch();
      check_same(second.state(), whole.state());
    }
}

TEST_CASE("So does one by each optimizer, with all that it keeps") {
  const std::pair<TrainerOptions, const char*> kinds[] = {
      {{.optimizer = "sgd", .momentum = 0.5, .dampening = 0.25}, "velocity.conv1.weight"},
      {{.optimizer = "rmsprop", .momentum = 0.5, .centered = true}, "grad_avg.conv1.weight"},
      {{.optimizer = "lion", .beta2 = 0.9}, "exp_avg.conv1.weight"},
      {{.optimizer = "muon", .head = "fc"}, "exp_avg_sq.fc.weight"}};
  for (auto& [kind, kept] : kinds) {
    INFO(kind.optimizer);
    TrainerOptions options = kind;
    options.lr = 0.003;
    options.epochs = 2;
    options.batch_size = 4;
    options.workers = 0;
    Trainer whole(network(), scenes().train, options), first(network(), scenes().train, options);
    while (!whole.done()) whole.epoch();
    first.step();
    first.step();
    const TrainerState state = copy_of(first);
    const auto found = std::find_if(state.tensors.begin(), state.tensors.end(), [&](auto& t) {
      return t.name == "optimizer." + std::string(kept);
    });
    REQUIRE(found != state.tensors.end());
    CHECK(difference(found->tensor.to_doubles(), Tensor::zeros(found->tensor.shape()).to_doubles(),
                     1e-12) != "");
    Trainer second(network({}, 77), scenes().train, options);
    second.load(state);
    while (!second.done()) second.epoch();
    check_same(second.state(), whole.state());
  }
}

TEST_CASE("Training lowers the loss, and counts what it does") {
  for (Device device : test_devices()) {
    INFO(device.name());
    const bool slow = device.kind() == Device::Kind::sim;
    Trainer trainer(network(device), scenes().train,
                    {.lr = 0.05, .epochs = slow ? 1 : 6, .batch_size = 4});
    CHECK(trainer.iterations_per_epoch() == 3);
    Score first, last;
    while (!trainer.done()) {
      last = trainer.epoch();
      if (trainer.position().epoch == 1) first = last;
      CHECK(last.count == 12);
      CHECK(trainer.position().iteration == 0);
    }
    CHECK(trainer.position().epoch == trainer.epochs());
    if (!slow) CHECK(last.loss < first.loss);
    const Score score = trainer.evaluate(scenes().validation);
    CHECK(score.count == 6);
    CHECK(std::isfinite(score.loss));
    CHECK_THAT(score.str(), Contains("top-1 ") && Contains("(6 images)"));
    CHECK(trainer.network().training());
  }
}

TEST_CASE("Iterations instead of epochs end within one") {
  Trainer trainer(network(), scenes().train, {.iterations = 4, .batch_size = 4});
  CHECK(trainer.epochs() == 2);
  trainer.epoch();
  CHECK(trainer.iterations_of_epoch() == 1);
  CHECK(trainer.epoch().count == 4);
  CHECK(trainer.done());
}

TEST_CASE("Any callable is an attack, in training and in evaluation") {
  int64_t seen = 0;
  const Attack black = [&](Module&, const Tensor& images, const Tensor& labels) {
    CHECK(images.dim(0) == labels.dim(0));
    seen += images.dim(0);
    return images * 0.0;
  };
  Trainer trainer(network(), scenes().train, {.epochs = 1, .batch_size = 4, .attack = black});
  trainer.epoch();
  CHECK(seen == 12);
  // Of black images every one gets the same answer.
  const Score score = evaluate(trainer.network(), scenes().validation, {.attack = black});
  CHECK(seen == 18);
  CHECK(score.top1 == Approx(100 / 3.));
  const Score pgd = evaluate(trainer.network(), scenes().validation,
                             {.attack = pgd_attack({.space = normalized_space(0.3, 0.1)}, {})});
  CHECK(pgd.loss > evaluate(trainer.network(), scenes().validation).loss);
}

TEST_CASE("An evaluation gives each batch with its answers, and may be cancelled") {
  auto net = network();
  std::vector<int64_t> indexes;
  answer_each(*net, scenes().validation, {.batch_size = 4},
              [&](const Batch& batch, const Tensor& logits, const Tensor& labels) {
                CHECK(logits.shape() == Shape{batch.count, 3});
                CHECK(labels.to_vector<int32_t>() == batch.labels);
                CHECK_FALSE(requires_grad(logits));
                indexes.insert(indexes.end(), batch.indexes.begin(), batch.indexes.end());
              });
  CHECK(indexes == std::vector<int64_t>{0, 1, 2, 3, 4, 5});
  int asked = 0;
  const Score part = evaluate(*net, scenes().validation,
                              {.batch_size = 2, .cancelled = [&] { return ++asked > 2; }});
  CHECK(part.count == 4);
}

TEST_CASE("Training on mixed images is recorded and replayed as any other") {
  for (Device device : test_devices()) {
    TrainerOptions options{.epochs = 2, .batch_size = 4, .accumulate = 2, .seed = 3};
    options.image_size = 16;  // the simulator computes nine epochs of them
    options.augmentation = parse_augmentation("coursework,randaugment,mixup,cutmix", 16);
    options.workers = 0;
    Trainer replayed(network(device), scenes().train, options);
    options.record = false;
    Trainer plain(network(device), scenes().train, options);
    const double first = replayed.epoch().loss;
    CHECK(plain.epoch().loss == first);
    CHECK(replayed.epoch().loss == plain.epoch().loss);
    check_same(copy_of(replayed), copy_of(plain));
    // Of labels that are not mixed it would be another.
    options.augmentation.mixup = options.augmentation.cutmix = 0;
    CHECK(Trainer(network(device), scenes().train, options).epoch().loss != first);
  }
  TrainerOptions attacked{.batch_size = 4, .attack = pgd_attack({}, {})};
  attacked.augmentation.mixup = 0.2;
  CHECK_THROWS_WITH(Trainer(network(), scenes().train, attacked), Contains("one label"));
}

TEST_CASE("Training that diverged says so and where") {
  Trainer trainer(network(), scenes().train, {.epochs = 1, .batch_size = 4});
  trainer.network().parameters()[0].tensor.fill(std::numeric_limits<double>::quiet_NaN());
  CHECK_THROWS_WITH(trainer.check_finite(),
                    Contains("the weights are no longer finite in epoch 1"));
  CHECK_THROWS_AS(trainer.epoch(), Diverged);
}

TEST_CASE("What a trainer cannot do it says") {
  const Dataset& data = scenes().train;
  auto refused = [&](const TrainerOptions& options, const std::string& what) {
    CHECK_THROWS_WITH(Trainer(network(), data, options), Contains(what));
  };
  refused({.batch_size = 13}, "there are 12 training images, fewer than a batch of 13");
  refused({.batch_size = 4, .optimizer = "lamb"},
          "no optimizer 'lamb'; there are sgd, adam, adamw, rmsprop, lion, muon");
  refused({.batch_size = 4, .schedule = "up"}, "no schedule 'up'; there are cosine, step");
  refused({.batch_size = 4, .accumulate = 3}, "a batch of 4 images cannot be cut into 3 parts");

  Trainer trainer(network(), data, {.batch_size = 4});
  const TrainerState whole = copy_of(trainer);
  TrainerState less = whole, more = whole, other = whole;
  less.tensors.pop_back();
  CHECK_THROWS_WITH(trainer.load(less), Contains("the state lacks 'optimizer."));
  more.tensors.push_back({"model.fc2.weight", Tensor::zeros({1})});
  CHECK_THROWS_WITH(trainer.load(more),
                    Contains("'model.fc2.weight', for which there is no place"));
  other.tensors[0].tensor = Tensor::zeros({2, 2});
  CHECK_THROWS_WITH(trainer.load(other), Contains("is (2, 2), not ("));
}

TEST_CASE("A recorded attack is of one network") {
  const Attack attack = recorded([](Module&, const Tensor& x, const Tensor&) { return x; }, {});
  const Tensor x = random_tensor({1, 8, 8, 3}), labels = Tensor::from<int32_t>({0}, {1});
  auto one = network(), two = network();
  CHECK(same_bits(attack(*one, x, labels), x));
  CHECK_THROWS_WITH(attack(*two, x, labels), Contains("for one network"));
}
