// The files that a run leaves beside its weights, and that a run which goes on continues them.
#include <signal.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/paths.h"
#include "data/image.h"
#include "record/event_file.h"
#include "record/metrics.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

std::vector<json> lines_of(const std::string& path) {
  std::vector<json> lines;
  std::istringstream text(bytes_of(path));
  for (std::string line; std::getline(text, line);) lines.push_back(json::parse(line));
  return lines;
}

// Everything but what the clock says.
std::vector<json> steps_of(const std::string& folder) {
  auto lines = lines_of(folder + "/iterations.jsonl");
  for (auto& line : lines) {
    CHECK(line.at("images_per_s") > 0);
    line.erase("images_per_s");
  }
  return lines;
}

const char* const event_files[] = {"/tensorboard/", "/tensorboard/train/", "/tensorboard/val/"};

// Events without their times: bytes of each record from its tag on.
std::vector<std::string> scalars_of(const std::string& path) {
  const std::string bytes = bytes_of(path);
  std::vector<std::string> scalars;
  for (std::size_t at = 0; (at = bytes.find("data/", at)) != std::string::npos; ++at)
    scalars.push_back(bytes.substr(at, 40));
  return scalars;
}

void check_same_files(const std::string& a, const std::string& b) {
  CHECK(steps_of(a) == steps_of(b));
  for (auto name : {"/metrics.jsonl", "/layers.jsonl", "/curves.png", "/validation.json"})
    CHECK(bytes_of(a + name) == bytes_of(b + name));
  for (auto place : event_files) {
    const std::string name = std::string(place) + EventFile::name;
    CHECK(scalars_of(a + name).size() == scalars_of(b + name).size());
  }
}

const Words slow = split("--epochs 3 --limit 40 --batch-size 12 --print-freq 1");

}  // namespace

TEST_CASE("A run leaves a line for each step, and the epochs' are their means", "[runs]") {
  TemporaryFolder folder;
  REQUIRE(train(folder.path(), slow).code == 0);
  const auto steps = lines_of(folder / "iterations.jsonl"),
             epochs = lines_of(folder / "metrics.jsonl");
  REQUIRE(epochs.size() == 3);
  const std::size_t each = steps.size() / 3;
  REQUIRE(steps.size() == 3 * each);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    CHECK(steps[i].at("iteration") == i + 1);
    CHECK(steps[i].at("epoch") == i / each + 1);
  }
  for (std::size_t e = 0; e < 3; ++e) {
    double loss = 0, top1 = 0;
    for (std::size_t i = e * each; i < (e + 1) * each; ++i) {
      loss += steps[i].at("loss").get<double>() / double(each);
      top1 += steps[i].at("top1").get<double>() / double(each);
    }
    CHECK(epochs[e].at("train_loss").get<double>() == Approx(loss).epsilon(1e-5));
    CHECK(epochs[e].at("train_top1").get<double>() == Approx(top1).epsilon(1e-5));
    CHECK(epochs[e].at("lr") == steps[(e + 1) * each - 1].at("lr"));
  }
  const json config = json::parse(bytes_of(folder / "config.json"));
  CHECK(config.at("status") == "finished");
  CHECK(config.at("epoch_seconds").size() == 3);
  CHECK(config.at("seconds") > 0);
  CHECK(config.at("peak_memory_bytes") > 1000);
  CHECK(config.at("peak_process_bytes") > config.at("peak_memory_bytes"));
  CHECK(config.at("seed") == 0);
  CHECK(config.at("versions").contains("tweed"));

  const json said = json::parse(bytes_of(folder / "validation.json"));
  int64_t right = 0, images = 0, cells = 0;
  for (auto& n : said.at("right")) right += n.get<int64_t>();
  for (auto& n : said.at("counts")) images += n.get<int64_t>();
  for (auto& cell : said.at("confusion")) cells += cell.at(2).get<int64_t>();
  CHECK(images == said.at("images"));
  CHECK(cells == images);
  CHECK(100. * double(right) / double(images) == Approx(epochs[2].at("val_top1").get<double>()));
}

TEST_CASE("A run that was stopped, or killed, continues its files without a gap", "[runs]") {
  TemporaryFolder whole;
  REQUIRE(train(whole.path(), slow).code == 0);
  for (int signal : {SIGINT, SIGKILL}) {
    INFO("signal " << signal);
    TemporaryFolder folder;
    Words command = app_command("train_miniplaces");
    for (auto& word : small_run(folder.path(), slow)) command.push_back(word);
    Running running(command);
    REQUIRE(running.wait_for("Epoch 2/3 ["));
    running.send(signal);
    running.finish();
    if (signal == SIGINT)
      CHECK(json::parse(bytes_of(folder / "config.json")).at("status") == "stopped");
    REQUIRE(run_app("train_miniplaces", {"--resume", folder.path()}).code == 0);
    check_same_files(whole.path(), folder.path());
    CHECK(json::parse(bytes_of(folder / "config.json")).at("epoch_seconds").size() == 3);
  }
}

TEST_CASE("A run that goes on elsewhere takes its lines and events along", "[runs]") {
  TemporaryFolder whole, from, to;
  const std::string flags = "--warmup 0 --schedule constant --epochs ";
  REQUIRE(train(whole.path(), split(flags + "2")).code == 0);
  REQUIRE(train(from.path(), split(flags + "1")).code == 0);
  REQUIRE(
      run_app("train_miniplaces", {"--resume", from.path(), "--epochs", "2", "--out", to.path()})
          .code == 0);
  check_same_files(whole.path(), to.path());
  CHECK(lines_of(from / "metrics.jsonl").size() == 1);
}

TEST_CASE("Lines and events that are damaged do not keep a run from going on", "[runs]") {
  TemporaryFolder folder;
  REQUIRE(train(folder.path(), {"--epochs", "1"}).code == 0);
  write_text(folder / "iterations.jsonl", "no JSON\n");
  write_text(folder / "layers.jsonl", "{\"epoch\":");
  write_text(folder / "config.json", "[1");
  write_text(folder / "validation.json", "");
  for (auto place : event_files) write_text(folder.path() + place + EventFile::name, "no events");
  const Outcome o = run_app("train_miniplaces", {"--resume", folder.path(), "--epochs", "2"});
  INFO(o.err);
  CHECK(o.code == 0);
  CHECK(json::parse(bytes_of(folder / "config.json")).at("commands").size() == 1);
}

TEST_CASE("--profile says where a step's time and memory go, and changes no bit", "[runs]") {
  TemporaryFolder folder;
  REQUIRE(train(folder / "a", {"--epochs", "1"}).code == 0);
  const Outcome o = train(folder / "b", {"--epochs", "1", "--profile"});
  INFO(o.err);
  REQUIRE(o.code == 0);
  CHECK(o.out.find("layer by layer") != std::string::npos);
  const json profile = json::parse(bytes_of(folder / "b/profile.json"));
  CHECK(profile.at("layers").size() > 5);
  CHECK_THAT(o.out, Contains("tensor by tensor"));
  CHECK(profile.at("tensors").size() > 10);
  CHECK(profile.at("tensors")[0].at("bytes") >= profile.at("tensors")[9].at("bytes"));
  CHECK(profile.at("peak_bytes") > profile.at("parameter_bytes"));
  CHECK(bytes_of(folder / "a/last.safetensors") == bytes_of(folder / "b/last.safetensors"));
  CHECK(steps_of(folder / "a") == steps_of(folder / "b"));
  CHECK_FALSE(fs::exists(folder / "a/profile.json"));
}
