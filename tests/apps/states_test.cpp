// The states that a run keeps: within an epoch, of its best, of its last few; and a run that is
// killed wherever the clock says.
#include <signal.h>

#include <chrono>
#include <thread>

#include "apps/paths.h"
#include "record/checkpoint.h"
#include "record/metrics.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> written{"last.safetensors", "best.safetensors", "metrics.jsonl",
                                       "best.state.safetensors", "last.state.safetensors"};

void check_same_files(const std::string& a, const std::string& b) {
  for (auto& name : written) {
    INFO(name);
    CHECK(bytes_of(a + "/" + name) == bytes_of(b + "/" + name));
  }
}

Words command(const std::string& folder, const std::string& more) {
  Words words = app_command("train_miniplaces");
  return words + small_run(folder, split(more));
}

Outcome resume(const std::string& state, const Words& more = {}) {
  return run_app("train_miniplaces", Words{"--resume", state} + more);
}

int64_t epoch_of(const std::string& file) { return load_checkpoint(file).info.epoch; }

}  // namespace

TEST_CASE("A run killed at any moment goes on to the same bytes", "[states]") {
  const std::string flags =
      "--epochs 4 --limit 20 --batch-size 12 --optimizer adam --ema 0.9 --save-every 2 --keep 2";
  TemporaryFolder whole, folder;
  REQUIRE(run_program(command(whole.path(), flags)).code == 0);
  Words next = command(folder.path(), flags);
  int kills = 0;
  for (uint64_t delay = 7; kills < 12; ++kills) {
    Running run(next);
    delay = delay * 1103515245 + 12345;
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + delay / 65536 % 400));
    run.send(SIGKILL);
    if (run.finish().code == 0) break;
    // Killed before it wrote its first state, it is begun anew.
    if (fs::exists(folder / "last.state.safetensors"))
      next = app_command("train_miniplaces") + Words{"--resume", folder.path()};
  }
  INFO("after " << kills << " kills");
  const Outcome o = run_program(next);
  INFO(o.err);
  REQUIRE(o.code == 0);
  check_same_files(folder.path(), whole.path());
  CHECK(bytes_of(folder / "epoch-3.state.safetensors") ==
        bytes_of(whole / "epoch-3.state.safetensors"));
}

TEST_CASE("--save-every saves within an epoch, in the first one, too", "[states]") {
  TemporaryFolder whole, folder;
  const std::string flags = "--epochs 2 --limit 40 --batch-size 12 --print-freq 1";
  REQUIRE(run_program(command(whole.path(), flags)).code == 0);
  Running run(command(folder.path(), flags + " --save-every 3"));
  REQUIRE(run.wait_for("Epoch 1/2 [4/10]"));
  run.send(SIGKILL);
  run.finish();
  const Outcome o = resume(folder.path());
  CHECK(o.out.find("Going on in epoch 1 after ") != std::string::npos);
  REQUIRE(o.code == 0);
  for (auto name : {"last.safetensors", "best.safetensors", "metrics.jsonl"})
    CHECK(bytes_of(folder / name) == bytes_of(whole / name));
}

TEST_CASE("--keep keeps the states of the last epochs, and each goes on to the same end",
          "[states]") {
  TemporaryFolder run;
  REQUIRE(train(run / "a", split("--epochs 4 --keep 2")).code == 0);
  CHECK_FALSE(fs::exists(run / "a/epoch-2.state.safetensors"));
  REQUIRE(fs::exists(run / "a/epoch-3.state.safetensors"));
  CHECK(bytes_of(run / "a/epoch-4.state.safetensors") ==
        bytes_of(run / "a/last.state.safetensors"));

  const Outcome other =
      resume(run / "a/epoch-3.state.safetensors", {"--out", run / "b", "--keep", "2"});
  INFO(other.err);
  REQUIRE(other.code == 0);
  CHECK(bytes_of(run / "b/last.safetensors") == bytes_of(run / "a/last.safetensors"));
  CHECK(bytes_of(run / "b/metrics.jsonl") == bytes_of(run / "a/metrics.jsonl"));
  CHECK(epoch_of(run / "a/last.safetensors") == 4);  // the run before stays as it was

  // In its own folder only with --overwrite, and then later epochs are gone.
  const std::string whole = bytes_of(run / "a/last.safetensors");
  check_refused(resume(run / "a/epoch-3.state.safetensors", {"--out", run / "a"}),
                "holds another run");
  REQUIRE(resume(run / "a/epoch-3.state.safetensors", {"--overwrite", "--epochs", "3"}).code == 0);
  CHECK(epoch_of(run / "a/last.safetensors") == 3);
  CHECK(read_metric(run / "a/metrics.jsonl", "epoch").size() == 3);
  CHECK_FALSE(fs::exists(run / "a/epoch-4.state.safetensors"));
  REQUIRE(resume(run / "a", {"--epochs", "4"}).code == 0);
  CHECK(bytes_of(run / "a/last.safetensors") == whole);
}

TEST_CASE("The best epoch goes on, too", "[states]") {
  TemporaryFolder run;
  REQUIRE(train(run / "a", split("--epochs 4 --lr 0.3")).code == 0);
  const int64_t best = epoch_of(run / "a/best.safetensors");
  const Outcome o = resume(run / "a/best.safetensors", {"--out", run / "b", "--epochs", "5"});
  INFO(o.err << o.out);
  REQUIRE(o.code == 0);
  if (best < 4)
    CHECK(o.out.find("Going on in epoch " + std::to_string(best + 1)) != std::string::npos);
  CHECK(read_metric(run / "b/metrics.jsonl", "epoch").size() == 5);
  CHECK(read_metric(run / "a/metrics.jsonl", "epoch").size() == 4);
}

TEST_CASE("Going on from the best of the first epochs brings its files back", "[states]") {
  TemporaryFolder run;
  const std::string a = run / "a";
  const Words one = split("--epochs 1 --keep 3 --robust-images 6 --eps 1/255");
  REQUIRE(train(a, one).code == 0);
  const std::string best = bytes_of(a + "/best.safetensors"),
                    robust = bytes_of(a + "/best_robust.safetensors");
  REQUIRE(resume(a, {"--epochs", "3"}).code == 0);
  // As if the third epoch had been better.
  for (const std::string kind : {"best", "best_robust"})
    for (const std::string end : {".safetensors", ".state.safetensors"}) {
      fs::remove(a + "/" + kind + end);
      fs::copy_file(a + "/last" + end, a + "/" + kind + end);
    }
  const Outcome o =
      resume(a + "/epoch-1.state.safetensors", {"--overwrite", "--epochs", "1", "--keep", "3"});
  INFO(o.err << o.out);
  REQUIRE(o.code == 0);
  CHECK(bytes_of(a + "/best.safetensors") == best);
  CHECK(bytes_of(a + "/best_robust.safetensors") == robust);
  for (auto name : {"best.state.safetensors", "best_robust.state.safetensors"})
    CHECK(load_checkpoint(a + "/" + name, "model.").info.epoch == 1);
}

TEST_CASE("The epoch that withstood attacks best goes on to the same end", "[states]") {
  TemporaryFolder run;
  const Words flags = split("--epochs 3 --robust-images 6 --adversarial fgsm --lr 0.3");
  REQUIRE(train(run / "a", flags).code == 0);
  const int64_t best = epoch_of(run / "a/best_robust.safetensors");
  const Outcome o = resume(run / "a/best_robust.safetensors", {"--out", run / "b"});
  INFO(o.err << o.out);
  REQUIRE(o.code == 0);
  if (best < 3)
    CHECK(o.out.find("Going on in epoch " + std::to_string(best + 1)) != std::string::npos);
  for (auto name : {"last.safetensors", "best_robust.safetensors", "metrics.jsonl"})
    CHECK(bytes_of(run / ("a/" + std::string(name))) == bytes_of(run / ("b/" + std::string(name))));
}

TEST_CASE("--patience ends a run that gets no better, and more of it goes on", "[states]") {
  TemporaryFolder run;
  // Nothing is learnt at this rate, so the first epoch stays the best.
  const Outcome o = train(run.path(), split("--epochs 9 --lr 1e-30 --warmup 0 --patience 2"));
  INFO(o.out);
  REQUIRE(o.code == 0);
  CHECK(o.out.find("Stopped: 2 epochs without a better validation than epoch 1's") !=
        std::string::npos);
  CHECK(epoch_of(run / "last.safetensors") == 3);
  const Outcome again = resume(run.path());
  CHECK(again.code == 0);
  CHECK(again.out.find("--patience with a larger number") != std::string::npos);
  CHECK(epoch_of(run / "last.safetensors") == 3);
  REQUIRE(resume(run.path(), {"--patience", "3"}).code == 0);
  CHECK(epoch_of(run / "last.safetensors") == 4);
}

TEST_CASE("A new run leaves no state of the one that it replaces", "[states]") {
  TemporaryFolder run;
  REQUIRE(train(run.path(), split("--epochs 2 --keep 5")).code == 0);
  REQUIRE(train(run.path(), split("--epochs 1 --overwrite --seed 3 --keep 1")).code == 0);
  CHECK(fs::exists(run / "epoch-1.state.safetensors"));
  CHECK_FALSE(fs::exists(run / "epoch-2.state.safetensors"));
  CHECK(bytes_of(run / "best.state.safetensors") == bytes_of(run / "last.state.safetensors"));
}
