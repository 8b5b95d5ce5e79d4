// Training against attacks as a user starts it: what is measured and kept of it, what is said, and
// what is refused.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "record/checkpoint.h"
#include "record/event_file.h"
#include "record/metrics.h"
#include "record/report/run_data.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;
namespace fs = std::filesystem;

namespace {

const Words steady = split("--schedule constant --warmup 0 --robust-images 6");

std::string file_of_scalars(const std::string& folder) {
  return folder + "/tensorboard/val/" + EventFile::name;
}

}  // namespace

TEST_CASE("A run against attacks measures robust accuracy, keeps the best, and goes on the same") {
  for (const std::string flags : {"--adversarial fgsm", "--adversarial free --attack-steps 2",
                                  "--adversarial awp --steps 1"}) {
    INFO(flags);
    TemporaryFolder whole, parts;
    const Words words = steady + split(flags);
    const Outcome o = train(whole.path(), words + split("--epochs 3"));
    INFO(o.out << o.err);
    REQUIRE(o.code == 0);
    CHECK(o.err == "");
    CHECK(o.out.find("  attacked ") != std::string::npos);
    CHECK(o.out.find("Best robust top-1: ") != std::string::npos);
    CHECK(o.out.find(", of 6 validation images under PGD-10") != std::string::npos);
    REQUIRE(train(parts.path(), words + split("--epochs 1")).code == 0);
    REQUIRE(run_app("train_miniplaces", {"--resume", parts.path(), "--epochs", "3"}).code == 0);
    for (auto name : {"metrics.jsonl", "best_robust.safetensors", "last.safetensors"}) {
      INFO(name);
      CHECK(bytes_of(whole / name) == bytes_of(parts / name));
    }
    const auto robust = read_metric(whole / "metrics.jsonl", "val_robust_top1");
    REQUIRE(robust.size() == 3);
    const auto best = std::max_element(robust.begin(), robust.end()) - robust.begin();
    CHECK(load_checkpoint(whole / "best_robust.safetensors").info.epoch == best + 1);
    CHECK(read_run(whole.path())["epochs"]["val_robust_top1"] == robust);
    CHECK(bytes_of(file_of_scalars(whole.path())).find("data/robust_top1_accuracy") !=
          std::string::npos);
  }
}

TEST_CASE("Robust accuracy is measured where it is asked for, and not elsewhere") {
  TemporaryFolder folder;
  const Words one = split("--epochs 1");
  REQUIRE(train(folder / "plain", one).code == 0);
  CHECK(read_metric(folder / "plain/metrics.jsonl", "val_robust_top1").empty());
  CHECK_FALSE(fs::exists(folder / "plain/best_robust.safetensors"));
  // Of normal training it changes nothing.
  const Outcome o =
      train(folder / "measured", one + steady + split("--robust-images 6 --eps 2/255"));
  CHECK(o.err == "");
  CHECK(read_metric(folder / "measured/metrics.jsonl", "val_robust_top1").size() == 1);
  REQUIRE(train(folder / "other", one + split("--schedule constant --warmup 0")).code == 0);
  CHECK(read_metric(folder / "measured/metrics.jsonl", "val_loss") ==
        read_metric(folder / "other/metrics.jsonl", "val_loss"));
  // A run that began without goes on with it: epochs before have none.
  REQUIRE(run_app("train_miniplaces",
                  {"--resume", folder / "plain", "--epochs", "2", "--robust-images", "6"})
              .code == 0);
  const auto values = read_run(folder / "plain")["epochs"]["val_robust_top1"];
  REQUIRE(values.size() == 2);
  CHECK(values[0].is_null());
  CHECK(values[1].is_number());
  REQUIRE(train(folder / "none", one + split("--adversarial fgsm --robust-images 0")).code == 0);
  CHECK(read_metric(folder / "none/metrics.jsonl", "val_robust_top1").empty());
}

TEST_CASE("Flags that a defence cannot have are refused, and others noted") {
  auto refused = [](const std::string& flags, const std::string& what) {
    INFO(flags);
    check_refused(run_app("train_miniplaces", split("tiny " + flags)), what);
  };
  refused("--adversarial tardes", "trades");
  refused("--adversarial trades --no-random-start", "trades needs its random start");
  refused("--adversarial trades --goal least-likely", "trades has a goal of its own");
  refused("--adversarial-weight 3", "--adversarial-weight: no effect without --adversarial");
  refused("--adversarial free --goal 1", "free has a goal of its own");
  refused("--adversarial free --attack-norm l2", "free changes pixels within Linf alone, not L2");
  refused("--adversarial pgd --robust-images -1", "--robust-images takes a whole number");
  refused("--adversarial mart --adversarial-weight -1", "--adversarial-weight");
  refused("--robust-images 5 --attack-steps 3", "--attack-steps: no effect without --adversarial");
  refused("--robust-images 0 --eps 1/255", "--attack-eps: no effect without --adversarial");
  TemporaryFolder folder;
  auto noted = [&](const std::string& flags, const std::string& what) {
    const Outcome o =
        train(folder.path(), steady + split("--epochs 1 --overwrite --adversarial " + flags));
    CHECK(o.code == 0);
    CHECK(o.err == "note: " + what + "\n");
  };
  noted("fgsm --attack-steps 3", "--attack-steps: no effect with --adversarial fgsm");
  noted("free --steps 2 --no-random-start", "--no-random-start: no effect with --adversarial free");
  noted("half --steps 1 --adversarial-weight 2",
        "--adversarial-weight: no effect with --adversarial half");
  const Outcome o = train(folder.path(), split("--epochs 1 --overwrite --adversarial free"));
  CHECK(o.out.find("Without --attack-steps: free trains on each batch 4 times") !=
        std::string::npos);
  CHECK(bytes_of(folder / "iterations.jsonl").find("\"iteration\":4,\"epoch\":1") !=
        std::string::npos);
}

TEST_CASE("A defence's weight and kind change what is trained") {
  TemporaryFolder folder;
  std::vector<std::string> networks;
  for (const std::string flags :
       {"pgd", "half", "fgsm", "free", "trades", "trades --adversarial-weight 1", "mart",
        "mart --adversarial-weight 1", "awp", "awp --adversarial-weight 0.05"}) {
    REQUIRE(
        train(folder.path(), steady + split("--epochs 1 --robust-images 0 --overwrite --steps 1 "
                                            "--adversarial " +
                                            flags))
            .code == 0);
    networks.push_back(bytes_of(folder / "last.safetensors"));
  }
  std::sort(networks.begin(), networks.end());
  CHECK(std::unique(networks.begin(), networks.end()) == networks.end());
}
