// What a trainer keeps of each step, recorded and not, and that it changes no bit of the training.
#include "train/step_log.h"

#include <cmath>

#include "data/dataset.h"
#include "nn/containers.h"
#include "nn/gradients.h"
#include "nn/layers.h"
#include "nn/models/models.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "train/outcomes.h"
#include "train/trainer.h"

using namespace tweed;

namespace {

const DataSplits& scenes() {
  static const DataSplits data = open_dataset(
      "tiny", {.classes = "3", .image_size = 16, .tiny_train = 8, .tiny_validation = 2});
  return data;
}

ModulePtr network(Device device) {
  auto net = make_model("simplenet_bn", {.classes = 3, .seed = 1, .image_size = 16});
  net->to(device);
  return net;
}

TrainerOptions usual() {
  return {.lr = 0.02, .epochs = 2, .batch_size = 4, .accumulate = 2, .seed = 5, .workers = 1};
}

TrainerOptions logged() {
  TrainerOptions options = usual();
  options.log_steps = true;
  return options;
}

}  // namespace

TEST_CASE("A log has each step's loss, answers and gradients, and costs no bit", "[steps]") {
  for (Device device : test_devices()) {
    INFO(device.name());
    Trainer trainer(network(device), scenes().train, logged());
    Trainer other(network(device), scenes().train, usual());
    CHECK(other.new_steps().empty());
    std::vector<StepResult> all;
    std::vector<double> losses;  // as the score has it, step by step
    for (int epoch = 0; epoch < 2; ++epoch) {
      ScoreSums before;
      for (int i = 0; other.step(); ++i) {
        REQUIRE(trainer.step());
        other.score();
        const ScoreSums& sums = other.position().score;
        losses.push_back((sums.loss - before.loss) / double(sums.count - before.count));
        before = sums;
        if (i % 4 != 0) continue;  // read at any time
        for (auto& step : trainer.new_steps()) all.push_back(step);
        const auto sizes = gradient_magnitudes(trainer.network());
        CHECK(all.back().first_gradient == sizes.front().value);
      }
      for (auto& step : trainer.new_steps()) all.push_back(step);
      trainer.end_epoch();
      other.end_epoch();
    }
    REQUIRE(all.size() == 12);
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(all[i].step == int64_t(i));
      CHECK(all[i].score.count == 4);
      CHECK(all[i].score.loss == losses[i]);
      CHECK(std::fmod(all[i].score.top1, 25.) == 0);
      CHECK(all[i].last_gradient > 0);
    }
    const TrainerState a = trainer.state(), b = other.state();
    for (std::size_t i = 0; i < a.tensors.size(); ++i)
      CHECK(same_bits(a.tensors[i].tensor, b.tensors[i].tensor));
  }
}

TEST_CASE("A run that goes on within an epoch logs the steps that were left", "[steps]") {
  Trainer first(network({}), scenes().train, logged()),
      whole(network({}), scenes().train, logged());
  while (whole.step()) continue;
  const auto all = whole.new_steps();
  for (int i = 0; i < 2; ++i) first.step();
  Trainer second(network({}), scenes().train, logged());
  second.load(first.state());
  while (second.step()) continue;
  const auto rest = second.new_steps();
  REQUIRE(rest.size() == all.size() - 2);
  for (std::size_t i = 0; i < rest.size(); ++i) {
    CHECK(rest[i].step == all[i + 2].step);
    CHECK(rest[i].score.loss == all[i + 2].score.loss);
    CHECK(rest[i].first_gradient == all[i + 2].first_gradient);
  }
}

TEST_CASE("More steps than the log has rows are all kept", "[steps]") {
  TrainerOptions options = logged();
  options.accumulate = 1;
  options.batch_size = 1;
  options.epochs = 100;
  const DataSplits data = open_dataset(
      "tiny", {.classes = "3", .image_size = 8, .tiny_train = 350, .tiny_validation = 1});
  auto small = std::make_shared<Sequential>();
  small->add("conv", Conv2d(3, 2, 3));
  small->add("pool", GlobalAvgPool());
  small->add("fc", Linear(2, 3));
  Trainer trainer(small, data.train, options);
  while (trainer.step()) continue;
  const auto steps = trainer.new_steps();
  REQUIRE(steps.size() == 1050);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    CHECK(steps[i].step == int64_t(i));
    CHECK(steps[i].score.loss > 0);
  }
}

TEST_CASE("Outcomes are what softmax and the score say of each image") {
  Outcomes outcomes;
  const float inf = INFINITY;
  outcomes.add(Tensor::from<float>({1, 2, 3, 3, 3, 3}, {2, 3}), Tensor::from<int32_t>({2, 1}, {2}));
  outcomes.add(Tensor::from<float>({0, -inf, 0}, {1, 3}), Tensor::from<int32_t>({1}, {1}));
  const auto& all = outcomes.read();
  REQUIRE(all.size() == 3);
  CHECK(all[0].predicted == 2);
  CHECK(all[0].rank == 0);
  CHECK(all[0].probability == Approx(0.66524096));
  CHECK(all[0].loss == Approx(0.40760596));
  CHECK(all[1].predicted == 0);  // the first of equals
  CHECK(all[1].rank == 1);
  CHECK(all[1].loss == Approx(std::log(3.)));
  CHECK(std::isinf(all[2].loss));
  CHECK(all[2].rank == 2);
}
