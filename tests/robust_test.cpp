// Robust accuracy: how it is measured, on which images, and what is said of its course.
#include <algorithm>

#include "nn/models/models.h"
#include "tests/catch.h"
#include "train/robust_history.h"
#include "train/trainer.h"

using namespace tweed;

namespace {

const DataSplits& scenes() {
  static const DataSplits data = open_dataset(
      "tiny", {.classes = "3", .image_size = 32, .tiny_train = 8, .tiny_validation = 4});
  return data;
}

}  // namespace

TEST_CASE("Robust accuracy is that under PGD-10 from a random start, at the trained eps") {
  TrainerOptions options{.lr = 0.02, .epochs = 3, .batch_size = 4, .workers = 0};
  const PgdOptions usual = {.space = pixel_space(4 / 255., 1 / 255., options.normalization.mean,
                                                 options.normalization.std),
                            .seed = 9};
  PgdOptions training = usual;  // in which one step may lead to a class
  training.steps = 1;
  training.goal = AttackGoal::lower_target;
  training.random_start = false;
  training.space.step = {1, 1, 1};
  options.defence = DefenceOptions{.attack = training};
  Trainer trainer(make_model("simplenet_bn", {.classes = 3, .image_size = 32}), scenes().train,
                  options);
  while (!trainer.done()) trainer.epoch();
  const Score clean = trainer.evaluate(scenes().validation),
              robust = trainer.evaluate_robust(scenes().validation);
  CHECK(robust.count == 12);
  CHECK(robust.loss > clean.loss);
  CHECK(robust.top1 <= clean.top1);
  EvaluateOptions by_hand{.image_size = 32, .attack = pgd_attack(usual, {})};
  CHECK(trainer.evaluate(scenes().validation, by_hand).loss == Approx(robust.loss).epsilon(1e-6));
  CHECK(trainer.evaluate_robust(scenes().validation).loss == robust.loss);  // again
  // Without options it is 8/255 of the pixels, which is worse.
  options.defence.reset();
  Trainer other(make_model("simplenet_bn", {.classes = 3, .image_size = 32}), scenes().train,
                options);
  CHECK(other.measured_attack().space.eps[0] == 2 * usual.space.eps[0]);
}

TEST_CASE("A balanced sample has as many images of each class, with their pixels") {
  for (const bool decoded : {false, true}) {
    Dataset data = scenes().validation;
    if (decoded) data.decode(1, true);
    REQUIRE(data.size() == 12);
    for (const int64_t count : {1, 6, 7, 12, 100}) {
      const Dataset sample = balanced(data, count);
      CHECK(sample.size() == std::min<int64_t>(count, 12));
      std::vector<int64_t> of(3);
      for (int64_t i = 0; i < sample.size(); ++i) ++of[std::size_t(sample.label(i))];
      CHECK(*std::max_element(of.begin(), of.end()) - *std::min_element(of.begin(), of.end()) <= 1);
      for (int64_t i = 0, k = 0; i < sample.size(); ++i) {
        while (data.path(k) != sample.path(i)) REQUIRE(++k < data.size());
        CHECK(sample.label(i) == data.label(k));
        CHECK(sample.image(i).pixels == data.image(k).pixels);
      }
    }
  }
  // Where classes have different numbers of images, each gives what it has.
  const Dataset uneven = scenes().validation.part({0, 1, 2, 3, 4});
  CHECK(balanced(uneven, 4).size() == 4);
}

TEST_CASE("Catastrophic overfitting is a fall to half while training does not fall") {
  struct Epoch {
    double robust, train;
  };
  auto after = [](const std::vector<Epoch>& epochs) {
    RobustHistory history;
    for (std::size_t i = 0; i < epochs.size(); ++i)
      history.add(int64_t(i) + 1, epochs[i].robust, epochs[i].train, 10);
    return history;
  };
  const RobustHistory fell = after({{25, 30}, {40, 45}, {38, 50}, {5, 80}, {30, 60}, {1, 90}});
  CHECK(fell.collapsed == 4);  // the first time
  CHECK(fell.best == 40);
  CHECK(fell.best_epoch == 2);
  CHECK(fell.last == 1);
  CHECK(fell.lost() == 39);
  CHECK(fell.overfits(500));
  const RobustHistory overfits = after({{25, 30}, {40, 45}, {34, 50}});
  CHECK(overfits.collapsed == 0);
  CHECK(overfits.lost() == 6);
  CHECK(overfits.overfits(500));
  CHECK_FALSE(overfits.overfits(100));  // a sample of which may differ by so much
  CHECK(after({{25, 30}, {40, 45}, {21, 50}}).collapsed == 0);
  CHECK(after({{25, 30}, {40, 45}, {19, 50}}).collapsed == 3);
  CHECK(after({{25, 30}, {40, 45}, {5, 20}}).collapsed == 0);  // all of it went wrong
  CHECK(after({{12, 15}, {2, 40}}).collapsed == 0);            // guesses before
  CHECK(after({}).best == -1);
  RobustHistory history;
  CHECK(history.add(1, 0, 10, 10));  // 0 per cent is better than none
  CHECK_FALSE(history.add(2, 0, 10, 10));
}
