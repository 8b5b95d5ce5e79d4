// The learning-rate range test: the rate that it chooses, what it leaves as it was, and --find-lr.
#include "train/find_lr.h"

#include <signal.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "apps/search/find_lr.h"
#include "attacks/pgd.h"
#include "data/image.h"
#include "nn/models/models.h"
#include "record/metrics.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;
namespace fs = std::filesystem;

namespace {

// 48 training images of 16 x 16 pixels, in three classes.
const DataSplits& scenes() {
  static const DataSplits data = open_dataset(
      "tiny", {.classes = "3", .image_size = 16, .tiny_train = 16, .tiny_validation = 4});
  return data;
}

const char* const layers = R"({"layers": [
  {"type": "Conv2d", "in_channels": 3, "out_channels": 8, "kernel_size": 3, "stride": 2},
  {"type": "BatchNorm2d", "num_features": 8},
  {"type": "ReLU"},
  {"type": "Conv2d", "in_channels": 8, "out_channels": 16, "kernel_size": 3, "stride": 2},
  {"type": "ReLU"},
  {"type": "AdaptiveAvgPool2d", "output_size": 2},
  {"type": "Flatten"},
  {"type": "Linear", "in_features": 64, "out_features": "classes"}]})";

ModulePtr small_network() {
  TemporaryFolder folder;
  write_text(folder / "net.json", layers);
  return make_model(folder / "net.json", {.classes = 3, .seed = 1, .image_size = 16});
}

TrainerOptions options_for(const std::string& optimizer) {
  return {
      .epochs = 10, .batch_size = 8, .optimizer = optimizer, .warmup = 1, .seed = 5, .workers = 1};
}

// Losses by rate from 1e-6 to 10.
RateTest planted(const std::function<double(double exponent)>& loss, int64_t steps = 200) {
  RateTest test;
  for (int64_t i = 0; i < steps; ++i) {
    const double exponent = -6 + 7 * double(i) / double(steps - 1);
    test.tried.push_back({std::pow(10, exponent), loss(exponent), 0});
  }
  choose_rate(test, steps);
  return test;
}

std::set<std::string> files_in(const std::string& folder) {
  std::set<std::string> names;
  for (auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

}  // namespace

TEST_CASE("The rate chosen is where the loss falls fastest, before it is lowest") {
  // A step down at 1e-3, lowest at 1e-1.5, up again behind it.
  auto valley = [](double x) { return 4 - std::tanh(3 * (x + 3)) + 0.4 * std::abs(x + 1.5); };
  const RateTest test = planted(valley);
  CHECK(std::log10(test.steepest) == Approx(-3).margin(0.1));
  CHECK(std::log10(test.lowest) == Approx(-1.5).margin(0.15));
  // With noise from batch to batch it is about the same.
  double n = 0;
  const RateTest noisy = planted([&](double x) {
    n += 1;
    return valley(x) + 0.1 * std::sin(n * n);
  });
  CHECK(std::log10(noisy.steepest) == Approx(-3).margin(0.25));
  // A fall from a height that a large rate had led to is none that is meant.
  const RateTest late = planted([&](double x) { return x > 0 ? 9 - 4 * x : valley(x); });
  CHECK(std::log10(late.steepest) == Approx(-3).margin(0.1));

  CHECK(planted([](double) { return 2.0; }).steepest == 0);
  CHECK(planted([](double x) { return x + 7; }).steepest == 0);
  RateTest none;
  choose_rate(none, 200);
  CHECK(none.steepest == 0);
}

TEST_CASE("The suggested rate trains, and the test leaves no trace in the trainer") {
  for (const char* optimizer : {"sgd", "adam", "adamw"}) {
    INFO(optimizer);
    TrainerOptions options = options_for(optimizer);
    Trainer before(small_network(), scenes().train, options),
        trainer(small_network(), scenes().train, options);
    before.step();
    trainer.step();
    const RateTest test = find_lr(trainer, {.steps = 100});
    CHECK(test.tried.size() > 20);
    CHECK(!test.cancelled);
    CHECK(test.steepest > 1e-5);
    CHECK(test.steepest < test.lowest);
    // It goes on to the same bits.
    CHECK(trainer.position().iteration == 1);
    before.epoch();
    trainer.epoch();
    const TrainerState a = before.state(), b = trainer.state();
    REQUIRE(a.tensors.size() == b.tensors.size());
    for (std::size_t i = 0; i < a.tensors.size(); ++i) {
      INFO(a.tensors[i].name);
      CHECK(same_bits(a.tensors[i].tensor, b.tensors[i].tensor));
    }

    options.lr = test.steepest;
    Trainer found(small_network(), scenes().train, options);
    const double first = found.epoch().loss;
    double last = first;
    while (!found.done()) last = found.epoch().loss;
    CHECK(last < 0.9 * std::log(3));
    CHECK(last < first);
  }
}

TEST_CASE("A range that only diverges is left early, and the weights are as they were") {
  Trainer trainer(small_network(), scenes().train, options_for("sgd"));
  const TrainerState before = trainer.state();
  std::vector<Tensor> values;
  for (auto& [name, t] : before.tensors) values.push_back(t.clone());
  const RateTest test = find_lr(trainer, {.first = 10, .last = 1e9, .steps = 100});
  CHECK(test.diverged);
  CHECK(test.tried.size() < 60);
  for (auto& t : test.tried) CHECK(std::isfinite(t.loss));
  const TrainerState after = trainer.state();
  for (std::size_t i = 0; i < values.size(); ++i)
    CHECK(same_bits(values[i], after.tensors[i].tensor));

  int64_t asked = 0;
  const RateTest cancelled = find_lr(trainer, {.cancelled = [&] { return ++asked > 5; }});
  CHECK(cancelled.cancelled);
  CHECK(cancelled.tried.size() == 5);
  CHECK_THROWS_WITH(find_lr(trainer, {.first = 0}), Contains("they rise, and begin above 0"));
  CHECK_THROWS_WITH(find_lr(trainer, {.first = 1, .last = 1}), Contains("they rise"));
  CHECK_THROWS_WITH(find_lr(trainer, {.steps = 19}), Contains("too few"));
}

TEST_CASE("A range test runs on every device, with everything that training may ask for") {
  for (Device device : test_devices()) {
    auto network = small_network();
    network->to(device);
    TrainerOptions options = options_for("sgd");
    options.ema = 0.9;
    options.accumulate = 2;
    options.clip_grad = 1;
    options.schedule = "onecycle";
    options.attack = [](Module&, const Tensor& x, const Tensor&) { return x; };
    Trainer trainer(network, scenes().train, options);
    const RateTest test = find_lr(trainer, {.first = 1e-3, .last = 1e-1, .steps = 20});
    CHECK(test.tried.size() == 20);
    CHECK(test.tried.back().rate == Approx(0.1));
    CHECK(trainer.position().epoch == 0);
  }
}

TEST_CASE("The command that trains has the rate in the place of another, and its words quoted") {
  using app::command_with_rate;
  CHECK(command_with_rate({"--find-lr"}, 0.0123) == "train_miniplaces --lr 0.012");
  CHECK(command_with_rate({"my data", "--lr", "3", "--find-lr", "--wd=0"}, 1e-5) ==
        "train_miniplaces 'my data' --wd=0 --lr 1e-05");
  CHECK(command_with_rate({"--learning-rate=1", "--lr=2", "--find-lr", "--", "it's"}, 2) ==
        "train_miniplaces --lr 2 -- 'it'\\''s'");
}

TEST_CASE("--find-lr draws, suggests, and the command that it prints trains in the same folder") {
  TemporaryFolder folder;
  const std::string run = folder / "run";
  write_text(folder / "net.json", layers);
  const Words words{"--model", folder / "net.json", "--warmup", "0", "--epochs", "1"};
  const Outcome o = train(run, words + Words{"--find-lr"});
  INFO(o.out << o.err);
  REQUIRE(o.code == 0);
  CHECK(o.err == "");
  CHECK(files_in(run) == std::set<std::string>{"find_lr.jsonl", "find_lr.png"});
  CHECK(decode_image(run + "/find_lr.png").width > 600);
  const auto rates = read_metric(run + "/find_lr.jsonl", "lr");
  CHECK(rates.size() > 50);
  CHECK(rates.front() == Approx(1e-6));
  CHECK(std::is_sorted(rates.begin(), rates.end()));
  CHECK(read_metric(run + "/find_lr.jsonl", "smoothed").size() == rates.size());
  CHECK_THAT(o.out, Contains("Suggested: --lr ") && Contains("a tenth of the rate"));
  const std::string start = "  train_miniplaces ";
  const auto at = o.out.find(start);
  REQUIRE(at != std::string::npos);
  const std::string line = o.out.substr(at + start.size());
  const Outcome trained = run_app("train_miniplaces", split(line));
  INFO(trained.err);
  CHECK(trained.code == 0);
  CHECK(fs::exists(run + "/best.safetensors"));
  CHECK(fs::exists(run + "/find_lr.png"));
  check_refused(train(run, words + Words{"--find-lr"}), "holds another run");
}

TEST_CASE("--find-lr works with attacks, other weights, a head alone, and ends at Ctrl-C") {
  TemporaryFolder folder;
  write_text(folder / "net.json", layers);
  const Words model{"--model", folder / "net.json"};
  REQUIRE(train(folder / "before", model + split("--epochs 1")).code == 0);
  const std::string weights = folder / "before/best.safetensors", bytes = bytes_of(weights);
  for (const Words& more : {split("--adversarial pgd --attack-steps 1"),
                            Words{"--weights", weights, "--optimizer", "adamw"},
                            Words{"--weights", weights, "--head-only"}}) {
    const Outcome o = train(folder / "run", model + more + Words{"--find-lr"});
    INFO(o.out << o.err);
    CHECK(((o.code == 0) || o.err.find("no rate lowers the loss") != std::string::npos));
    CHECK(files_in(folder / "run") == std::set<std::string>{"find_lr.jsonl", "find_lr.png"});
  }
  CHECK(bytes_of(weights) == bytes);
  check_refused(run_app("train_miniplaces", {"--resume", folder / "before", "--find-lr"}),
                "goes without --resume");

  Running slow(app_command("train_miniplaces") +
               split("tiny --image-size 64 --limit 30 --classes 3 --find-lr") +
               Words{"--out", folder / "stopped"});
  REQUIRE(slow.wait_for("Files go to"));
  slow.send(SIGINT);
  const Outcome o = slow.finish();
  CHECK(o.code == 130);
  CHECK(!fs::exists(folder / "stopped"));
}

TEST_CASE("--check looks at flags, model and data, and leaves nothing behind") {
  TemporaryFolder folder;
  const Outcome o = train(folder / "run", {"--check"});
  CHECK(o.code == 0);
  CHECK(o.out == "These flags are right.\n");
  CHECK(!fs::exists(folder / "run"));
  check_refused(train(folder / "run", split("--check --nesterov --optimizer adam")), "--nesterov");
  check_refused(train(folder / "run", split("--check --model simplent")), "simplenet");
  check_refused(run_app("train_miniplaces", {"--check", folder / "none"}), "none");
}
