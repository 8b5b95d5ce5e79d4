// Runs that are stopped or killed, at every point: each goes on, and ends with the same bytes as
// one that was left alone.
#include <signal.h>

#include "apps/paths.h"
#include "record/checkpoint.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace tweed;
namespace fs = std::filesystem;

namespace {

// In the order in which an epoch writes them.
const std::vector<std::string> written{"last.safetensors", "best.safetensors", "metrics.jsonl",
                                       "curves.png", "last.state.safetensors"};

// Further than its state, as a killed run leaves it. It has times, so runs do not share its bytes.
const std::string steps = "iterations.jsonl";

void copy(const std::string& name, const std::string& from, const std::string& to) {
  fs::remove(to + "/" + name);
  if (fs::exists(from + "/" + name)) fs::copy_file(from + "/" + name, to + "/" + name);
}

void check_resumes_to(const std::string& whole, const std::string& folder) {
  const Outcome o = run_app("train_miniplaces", {"--resume", folder + "/last.safetensors"});
  INFO(o.err << o.out);
  REQUIRE(o.code == 0);
  for (auto& name : written) {
    INFO(name);
    CHECK(bytes_of(folder + "/" + name) == bytes_of(whole + "/" + name));
  }
}

// Ten steps an epoch, so that there is time for a signal.
const Words slow = split("--epochs 3 --limit 40 --batch-size 12 --print-freq 1");

Words command(const std::string& folder, const Words& more = {}) {
  Words words = app_command("train_miniplaces");
  for (auto& word : small_run(folder, slow)) words.push_back(word);
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

TEST_CASE("A run killed between any two files of an epoch goes on to the same bytes", "[runs]") {
  TemporaryFolder one, two, three;
  const std::string flags = "--schedule constant --epochs ";
  REQUIRE(train(one.path(), split(flags + "1")).code == 0);
  for (auto& [folder, epochs] : {std::pair{&two, "2"}, std::pair{&three, "3"}})
    REQUIRE(run_app("train_miniplaces", {"--resume", one / "last.safetensors", "--out",
                                         folder->path(), "--epochs", epochs})
                .code == 0);
  for (std::size_t done = 0; done <= written.size(); ++done) {
    INFO("files of the second epoch: " << done);
    TemporaryFolder killed;
    for (std::size_t i = 0; i < written.size(); ++i)
      copy(written[i], i < done ? two.path() : one.path(), killed.path());
    copy(steps, two.path(), killed.path());
    write_text(killed / "last.safetensors.partial", "half a file");
    const Outcome o =
        run_app("train_miniplaces", {"--resume", killed / "last.safetensors", "--epochs", "3"});
    INFO(o.err);
    REQUIRE(o.code == 0);
    for (auto& name : written) CHECK(bytes_of(killed / name) == bytes_of(three / name));
  }
}

TEST_CASE("A run killed in its first epoch is the one that goes on, not the one before", "[runs]") {
  TemporaryFolder whole, folder;
  REQUIRE(run_program(command(whole.path())).code == 0);
  const auto other = split("--epochs 2 --seed 9");
  REQUIRE(train(folder.path(), other).code == 0);
  TemporaryFolder before;
  for (auto& name : written) copy(name, folder.path(), before.path());

  Running killed(command(folder.path(), {"--overwrite"}));
  REQUIRE(killed.wait_for("Epoch 1/3 ["));
  killed.send(SIGKILL);
  killed.finish();
  // The start is killed as well before it has removed what the other run left, or some of it.
  for (std::size_t left = 0; left < written.size(); ++left) {
    INFO("files that the other run left: " << left);
    TemporaryFolder start;
    copy("last.state.safetensors", folder.path(), start.path());
    for (std::size_t i = 0; i < left; ++i) copy(written[i], before.path(), start.path());
    check_resumes_to(whole.path(), start.path());
  }
}

TEST_CASE("A run killed after its first epoch's weights, before its state, goes on", "[runs]") {
  TemporaryFolder whole, folder;
  REQUIRE(run_program(command(whole.path())).code == 0);
  Running killed(command(folder.path()));
  REQUIRE(killed.wait_for("Epoch 1/3 ["));
  killed.send(SIGKILL);
  killed.finish();
  for (auto name : {"last.safetensors", "best.safetensors"})
    copy(name, whole.path(), folder.path());
  check_resumes_to(whole.path(), folder.path());
}

TEST_CASE("Ctrl-C, SIGTERM and a closed terminal finish the step and save", "[runs]") {
  TemporaryFolder whole;
  REQUIRE(run_program(command(whole.path())).code == 0);
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGXCPU}) {
    INFO("signal " << signal);
    TemporaryFolder folder;
    Running running(command(folder.path()));
    REQUIRE(running.wait_for("Epoch 2/3 ["));
    running.send(signal);
    running.send(signal);  // as a shell does when its terminal closes, and `timeout`
    const Outcome o = running.finish();
    CHECK(o.code == 130);
    CHECK(o.out.find("saved; go on with --resume") != std::string::npos);
    check_resumes_to(whole.path(), folder.path());
  }
}

TEST_CASE("Ctrl-C before the first step leaves a run that goes on", "[runs]") {
  TemporaryFolder whole, folder;
  REQUIRE(run_program(command(whole.path())).code == 0);
  Running running(command(folder.path()));
  REQUIRE(running.wait_for("Files go to"));
  running.send(SIGINT);
  CHECK(running.finish().code == 130);
  check_resumes_to(whole.path(), folder.path());
}

TEST_CASE("nohup's runs ignore a closed terminal", "[runs]") {
  TemporaryFolder folder;
  std::string line = "trap '' HUP; exec";
  for (auto& word : command(folder.path(), {"--epochs", "1"})) line += " '" + word + "'";
  Running running({"/bin/sh", "-c", line});
  REQUIRE(running.wait_for("Epoch 1/1 ["));
  running.send(SIGHUP);
  CHECK(running.finish().code == 0);
}

TEST_CASE("A run whose reader has gone saves and ends", "[runs]") {
  TemporaryFolder whole, folder;
  REQUIRE(run_program(command(whole.path())).code == 0);
  std::string line;
  for (auto& word : command(folder.path())) line += "'" + word + "' ";
  run_program({"/bin/sh", "-c", line + "| head -n 3 >/dev/null"});
  CHECK(fs::exists(folder / "last.safetensors"));
  check_resumes_to(whole.path(), folder.path());
}
