// What evaluate says of a network: figures by hand, and the app as a user runs it.
#include "train/report.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/machine/printable.h"
#include "nn/models/models.h"
#include "record/draw/confusion.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;

namespace {

// Five images of three classes, one of which has none.
Answers by_hand() {
  return {.classes = 3,
          .labels = {0, 0, 0, 1, 1},
          .probabilities = {0.7f, 0.2f, 0.1f,    // right
                            0.3f, 0.6f, 0.1f,    // taken for 1
                            0.5f, 0.25f, 0.25f,  // right
                            0.2f, 0.7f, 0.1f,    // right
                            0.6f, 0.1f, 0.3f},   // taken for 0
          .loss = 0.5};
}

}  // namespace

TEST_CASE("average precision is scikit-learn's") {
  // Of scikit-learn's documentation.
  CHECK(average_precision({0.1, 0.4, 0.35, 0.8}, {0, 0, 1, 1}) == Approx(5 / 6.));
  CHECK(average_precision({3, 2, 1}, {1, 1, 0}) == 1);
  CHECK(average_precision({3, 2, 1}, {0, 0, 1}) == Approx(1 / 3.));
  // Equal scores are one threshold, whatever their order.
  CHECK(average_precision({1, 1, 1, 1}, {1, 0, 0, 0}) == 0.25);
  CHECK(average_precision({1, 1, 1, 1}, {0, 0, 0, 1}) == 0.25);
  CHECK(std::isnan(average_precision({1, 2}, {0, 0})));
}

TEST_CASE("a report counts classes, answers and confusions") {
  const Report r = report_on(by_hand());
  CHECK(r.score.count == 5);
  CHECK(r.score.top1 == Approx(60));
  CHECK(r.score.top5 == 100);
  CHECK(r.counts == std::vector<int64_t>{3, 2, 0});
  CHECK(r.right[0] == Approx(200 / 3.));
  CHECK(r.right[1] == Approx(50));
  CHECK(std::isnan(r.right[2]));
  CHECK(r.class_mean == Approx((200 / 3. + 50) / 2));
  CHECK(r.confusion == std::vector<int64_t>{2, 1, 0, 1, 1, 0, 0, 0, 0});
  // Class 0 by probability: 0.7 +, 0.6 -, 0.5 +, 0.3 +, 0.2 -.
  CHECK(r.precisions[0] == Approx(100 * (1 + 2 / 3. + 3 / 4.) / 3));
  // Class 1: 0.7 +, 0.6 -, 0.25 -, 0.2 -, 0.1 +.
  CHECK(r.precisions[1] == Approx(100 * (1 + 2 / 5.) / 2));
  CHECK(r.map == Approx((r.precisions[0] + r.precisions[1]) / 2));
  // Twice 0.7 and right, twice 0.6 and wrong, once 0.5 and right.
  CHECK(r.calibration.error == Approx(100 * (2 * 0.3 + 2 * 0.6 + 0.5) / 5));
  CHECK(r.calibration.confidence == Approx(62));
  CHECK(r.calibration.right == Approx(60));
}

TEST_CASE("a report's accuracy is that of evaluate()") {
  const DataSplits data = open_dataset(
      "tiny", {.classes = "4", .image_size = 32, .tiny_train = 1, .tiny_validation = 6});
  auto network = make_model("simplenet", {.classes = 4, .image_size = 32});
  const Score score = evaluate(*network, data.validation, {.batch_size = 7});
  const Report report = report_on(answers_on(*network, data.validation, {.batch_size = 5}));
  CHECK(report.score.count == score.count);
  CHECK(report.score.top1 == Approx(score.top1));
  CHECK(report.score.top5 == Approx(score.top5));
  CHECK(report.score.loss == Approx(score.loss).epsilon(1e-5));
}

TEST_CASE("a confusion matrix is drawn for few classes and for many") {
  const Image few = draw_confusion({"a", "b", "c"}, report_on(by_hand()).confusion, "title");
  CHECK(few.width > 3 * 30);
  const std::size_t n = 400;
  const Image many =
      draw_confusion(std::vector<std::string>(n, "name"), std::vector<int64_t>(n * n, 1), "title");
  CHECK(many.width < 1000);
  CHECK(many.height > int(2 * n));
}

TEST_CASE("evaluate says the same in words, JSON and a table, clean and attacked") {
  const TrainedNetwork t;
  const std::string csv = t.folder.path() + "/a.csv", picture = t.folder.path() + "/c.png";
  const Words start{t.out, t.data, "--eps", "0.3", "--attack"};
  const Outcome said = run_app("evaluate", start + Words{"--csv", csv, "--confusion", picture});
  INFO(said.out << said.err);
  REQUIRE(said.code == 0);
  CHECK_THAT(said.out, Contains("clean: top-1 ") && Contains("attacked: top-1 ") &&
                           Contains("(9 images of 32x32)") && Contains("a taken for b") &&
                           Contains("wrote " + picture));
  // All classes are alike, clean and attacked; then c's photos show a.
  CHECK(said.out.find(" classes: ") == std::string::npos);
  namespace fs = std::filesystem;
  const std::string mixed = t.folder.path() + "/mixed";
  fs::copy(t.data, mixed, fs::copy_options::recursive);
  fs::remove_all(mixed + "/val/c");
  fs::copy(t.data + "/val/a", mixed + "/val/c");
  const std::string lists = run_app("evaluate", {t.out, mixed}).out;
  CHECK_THAT(lists, Contains("worst classes: c 0.0 %\n") &&
                        Contains("best classes: b 100.0 %, a 100.0 %\n") &&
                        Contains("most confused: c taken for a (3 times)"));
  const Outcome described = run_app("evaluate", start + Words{"--json"});
  const auto json = nlohmann::json::parse(described.out);
  CHECK(json.at("clean").at("images") == 9);
  CHECK(json.at("clean").at("classes").size() == 3);
  const auto& calibration = json["clean"].at("calibration");
  CHECK(calibration.at("bins").size() == 15);
  CHECK(calibration.at("right") == Approx(json["clean"]["top1"].get<double>()));
  CHECK_THAT(said.out, Contains(formatted("mAP %.2f %%, calibration error %.2f %%",
                                          json["clean"]["map"].get<double>(),
                                          calibration["error"].get<double>())));
  CHECK(json.at("attacked").at("top1") <= json.at("clean").at("top1"));
  char top1[32];
  std::snprintf(top1, sizeof top1, "clean: top-1 %.2f %%", json["clean"]["top1"].get<double>());
  CHECK_THAT(said.out, Contains(top1));
  const std::string table = bytes_of(csv);
  CHECK(line_count(table) == 10);
  CHECK(table.starts_with("file,label,answer,probability,attacked_answer,attacked_probability\n"));

  CHECK(line_count(run_app("evaluate", {t.out, t.data, "--images", "3", "--wrong", "0"}).out) <= 7);
  CHECK_THAT(run_app("evaluate", {t.out, t.data, "--goal", "1"}).err,
             Contains("note: --goal: no effect without --attack"));
  check_refused(run_app("evaluate", {t.out, t.data, "--confusion", t.best}), "is no PNG");
  check_refused(run_app("evaluate", {"nowhere", t.data}), "nowhere: cannot be read");
}
