// The expected calibration error: figures by hand and of PyTorch, a plain loop, and where the apps
// say it.
#include "train/calibration.h"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>

#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"
#include "record/event_file.h"
#include "record/metrics.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;
using nlohmann::json;

namespace {

struct Answered {
  float probability;
  bool right;
};

double error_of(const std::vector<Answered>& answers, int bins = 15) {
  CalibrationSums sums(bins);
  for (auto& [probability, right] : answers) sums.add(probability, right);
  return sums.result().error;
}

// Bin by bin, each of which goes through all answers.
double plain_error(const std::vector<Answered>& answers, int bins) {
  double error = 0;
  for (int b = 0; b < bins; ++b) {
    double confidence = 0, right = 0, count = 0;
    for (auto& a : answers) {
      const bool in =
          a.probability > float(b) / float(bins) && a.probability <= float(b + 1) / float(bins);
      if (!in) continue;
      ++count;
      confidence += double(a.probability);
      right += a.right;
    }
    if (count > 0)
      error += count / double(answers.size()) * std::abs(confidence / count - right / count);
  }
  return 100 * error;
}

}  // namespace

TEST_CASE("A network that is right as often as it says has no calibration error") {
  CHECK(error_of({}) == 0);
  CHECK(error_of({{0.5f, true}, {0.5f, false}}) == 0);
  CHECK(error_of({{1, true}, {1, true}}) == 0);
  CHECK(error_of({{1, false}}) == 100);
  CHECK(error_of({{0.5f, true}, {0.5f, true}}) == 50);
  // Errors of two bins do not make up for each other; within one bin they do.
  CHECK(error_of({{0.9f, false}, {0.1f, true}}) == Approx(90));
  CHECK(error_of({{0.9f, false}, {0.1f, true}}, 1) == Approx(0).margin(1e-5));
  CHECK(std::isnan(error_of({{0.5f, true}, {NAN, false}})));
  CHECK_THROWS_AS(CalibrationSums(0), Error);
}

TEST_CASE("A bin has its upper bound, and not its lower one") {
  CalibrationSums sums(4);
  for (const float p : {0.25f, 0.26f, 0.5f, 1.0f, 1.0000001f}) sums.add(p, true);
  const Calibration c = sums.result();
  REQUIRE(c.bins.size() == 4);
  CHECK(c.bins[0].count == 1);
  CHECK(c.bins[1].count == 2);
  CHECK(c.bins[2].count == 0);
  CHECK(c.bins[3].count == 2);
  CHECK(c.bins[1].confidence == Approx(38));
  CHECK(c.bins[1].right == 100);
  CHECK(c.bins[2].right == 0);
}

// The figures are those of the paper's formula in PyTorch, with bins between torch.linspace(0, 1).
TEST_CASE("The calibration error is PyTorch's, and a plain loop's") {
  std::vector<Answered> answers;
  for (int i = 0; i < 100; ++i)
    answers.push_back({float(i * 37 % 101 + 1) / 103, i * 53 % 97 < 60});
  CHECK(error_of(answers) == Approx(25.87378919124603));
  CHECK(error_of(answers, 10) == Approx(25.66019296646118));
  CHECK(error_of(answers, 1) == Approx(13.621360063552856));

  std::mt19937 random(3);
  answers.clear();
  for (int i = 0; i < 1000; ++i) {
    const float p = float(random() % 1000 + 1) / 1000;  // many stand on bounds
    answers.push_back({p, random() % 1000 < 800 * double(p)});
  }
  for (const int bins : {1, 2, 10, 15, 20})
    CHECK(error_of(answers, bins) == Approx(plain_error(answers, bins)));
}

TEST_CASE("Training notes the calibration error of each epoch, and an evaluation prints it") {
  const TrainedNetwork t;
  const auto errors = read_metric(t.out + "/metrics.jsonl", "val_calibration_error");
  REQUIRE(errors.size() == 6);
  // In TensorBoard's file a value is its tag, a field of a float's kind, and the four bytes.
  const std::string events = bytes_of(t.out + "/tensorboard/val/" + EventFile::name);
  for (double error : errors) {
    const float value = float(error);
    char bytes[4];
    std::memcpy(bytes, &value, 4);
    CHECK(events.find("data/calibration_error\x15" + std::string(bytes, 4)) != std::string::npos);
  }
  const json validation = json::parse(bytes_of(t.out + "/validation.json"));
  const json& calibration = validation.at("calibration");
  CHECK(calibration.at("error") == errors.back());
  int64_t count = 0;
  for (auto& bin : calibration.at("bins")) count += bin.at("count").get<int64_t>();
  CHECK(count == 9);
  // The best epoch's weights, unmirrored.
  const json answers = json::parse(run_app("evaluate", {t.out, t.data, "--json"}).out);
  const double error = answers.at("clean").at("calibration").at("error");
  CHECK(std::find_if(errors.begin(), errors.end(),
                     [&](double e) { return std::abs(e - error) < 1e-3; }) != errors.end());
  CHECK_THAT(succeeded("train_miniplaces", {t.data, "--resume", t.out, "-e"}).out,
             Contains("  calibration error ") && Contains(" %  (9 images of 32x32)\n"));
}
