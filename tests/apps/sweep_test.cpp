// sweep: what it makes of a file of flags, the runs that it starts, and how it goes on.
#include <signal.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/search/sweep_plan.h"
#include "kernels/machine/error.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// Of runs that take a moment.
const char* const common =
    R"("flags": {"data": "tiny", "image-size": 16, "batch-size": 8, "limit": 4, "classes": 3,
                "warmup": 0, "--epochs": 2, "print-freq": 0})";

app::SweepPlan plan_of(const std::string& text) {
  TemporaryFolder folder;
  write_text(folder / "s.json", text);
  return app::read_sweep(folder / "s.json");
}

json sweep_json(const std::string& out) { return json::parse(bytes_of(out + "/sweep.json")); }

}  // namespace

TEST_CASE("A grid makes a run of each combination, the last flag changing fastest") {
  const auto plan = plan_of(R"({"flags": {"data": "-x y", "epochs": 3, "nesterov": true, "b": 8},
    "grid": {"lr": [0.1, 1e-3], "freeze": [null, ["a.*", "b"]], "nesterov": [true, false]}})");
  CHECK(plan.columns == Words{"--lr", "--freeze", "--nesterov"});
  REQUIRE(plan.runs.size() == 8);
  CHECK(plan.runs[0].name == "lr-0.1_nesterov");
  CHECK(plan.runs[0].words ==
        Words{"--epochs=3", "-b", "8", "--lr=0.1", "--nesterov", "--", "-x y"});
  CHECK(plan.runs[0].differing == Words{"0.1", "", "yes"});
  CHECK(plan.runs[1].name == "lr-0.1");
  CHECK(plan.runs[3].words ==
        Words{"--epochs=3", "-b", "8", "--lr=0.1", "--freeze=a.*", "--freeze=b", "--", "-x y"});
  CHECK(plan.runs[3].name == "lr-0.1_freeze-a.--b");
  CHECK(plan.runs[7].differing == Words{"0.001", "a.*,b", ""});
}

TEST_CASE("A list of runs has their names, and what each has instead of the common flags") {
  const auto plan = plan_of(R"({"flags": {"lr": 0.1, "wd": 0},
    "runs": [{"name": "plain"}, {"lr": 0.2}, {"model": "a/b.json"}, {"lr": 0.2}]})");
  CHECK(plan.columns == Words{"--lr", "--model"});
  REQUIRE(plan.runs.size() == 4);
  CHECK(plan.runs[0].words == Words{"--lr=0.1", "--wd=0"});
  CHECK(plan.runs[0].differing == Words{"0.1", ""});
  CHECK(plan.runs[1].name == "lr-0.2");
  CHECK(plan.runs[1].words == Words{"--wd=0", "--lr=0.2"});
  CHECK(plan.runs[2].name == "model-a-b.json");
  CHECK(plan.runs[3].name == "lr-0.2-2");
}

TEST_CASE("What is no file of a sweep is refused") {
  auto refused = [](const std::string& text, const std::string& what) {
    INFO(text);
    CHECK_THROWS_WITH(plan_of(text), Contains(what));
  };
  refused("{", "JSON");
  refused("[]", "is no object");
  refused("{}", "needs either");
  refused(R"({"grid": {"lr": [1]}, "runs": [{}]})", "needs either");
  refused(R"({"grid": {}})", "is an object of lists");
  refused(R"({"grid": {"lr": 1}})", "is no list");
  refused(R"({"grid": {"lr": []}})", "is no list");
  refused(R"({"grid": {"lr": [{}]}})", "no number, text");
  refused(R"({"runs": []})", "is a list of objects");
  refused(R"({"runs": [3]})", "is a list of objects");
  refused(R"({"runs": [{"name": "../x"}]})", "a run's name");
  refused(R"({"runs": [{"name": "x"}, {"name": "x"}]})", "two runs called x");
  refused(R"({"flags": {"out": "x"}, "runs": [{}]})", "gives --out");
  refused(R"({"flags": {"a b": 1}, "runs": [{}]})", "is no flag");
  refused(R"({"flag": {}, "runs": [{}]})", "has 'flag'");
  const std::string ten = "[1,2,3,4,5,6,7,8,9,10]";
  refused(R"({"grid": {"aa": )" + ten + R"(, "bb": )" + ten + R"(, "cc": )" + ten + R"(, "d": )" +
              ten + "}}",
          "more than 1000");
}

TEST_CASE("A sweep trains each run, sets them side by side, and passes over what is done") {
  TemporaryFolder folder;
  const std::string file = folder / "rates.json", out = folder / "runs";
  write_text(file, "{" + std::string(common) +
                       R"(, "grid": {"lr": [0.0001, 0.05], "optimizer": ["sgd", "adam"]}})");
  const Outcome o = run_app("sweep", {file, "--out", out});
  INFO(o.out << o.err);
  REQUIRE(o.code == 0);
  CHECK(o.err == "");
  CHECK_THAT(o.out, Contains("[4/4] lr-0.05_optimizer-adam"));
  const json all = sweep_json(out);
  REQUIRE(all.at("runs").size() == 4);
  double before = 101;
  for (auto& run : all["runs"]) {
    CHECK(run.at("status") == "finished");
    CHECK(run.at("top1") <= before);
    before = run["top1"];
    CHECK(run.at("loss").is_number());
    CHECK(run.at("seconds") > 0);
    CHECK(run.at("flags").size() == 2);
    CHECK(fs::exists(run.at("folder").get<std::string>() + "/report.html"));
  }
  const std::string table = bytes_of(out + "/sweep.md");
  CHECK(line_count(table) == 6);
  CHECK(table.starts_with(
      "| run | --lr | --optimizer | top-1 % | top-5 % | loss | seconds | status |\n"));
  CHECK(fs::exists(out + "/compare.html"));
  CHECK(fs::exists(out + "/compare.png"));

  // Again: nothing is left to do. One that was lost is done again, and no other.
  const auto written = fs::last_write_time(out + "/lr-0.05_optimizer-sgd/last.safetensors");
  fs::remove_all(out + "/lr-0.05_optimizer-adam");
  const Outcome again = run_app("sweep", {file, "--out", out});
  CHECK(again.code == 0);
  CHECK_THAT(again.out, Contains("of which 3 are done already") && Contains("[1/1]"));
  CHECK(fs::last_write_time(out + "/lr-0.05_optimizer-sgd/last.safetensors") == written);
  CHECK(sweep_json(out).at("runs").size() == 4);

  // Other flags under the names of these runs.
  std::string other = bytes_of(file);
  other.replace(other.find("\"--epochs\": 2"), 13, "\"--epochs\": 3");
  write_text(file, other);
  check_refused(run_app("sweep", {file, "--out", out}), "was trained with other flags");
}

TEST_CASE("Wrong flags are found before the first run begins") {
  TemporaryFolder folder;
  const std::string file = folder / "s.json", out = folder / "runs";
  auto refused = [&](const std::string& runs, const std::string& what) {
    write_text(file, "{" + std::string(common) + ", \"runs\": [{}, " + runs + "]}");
    check_refused(run_app("sweep", {file, "--out", out}), what);
    CHECK(!fs::exists(out));
  };
  refused(R"({"lr": -1})", "no run is begun: lr--1: --lr");
  refused(R"({"learnin-rate": 1})", "there is no flag '--learnin-rate'; did you mean");
  refused(R"({"optimizer": "sdg"})", "optimizer-sdg: --optimizer: takes sgd");
  refused(R"({"model": "simplent"}, {"lr": "x"})", "(and 1 more run with wrong flags)");
  refused(R"({"data": "nowhere"})", "nowhere");
  check_refused(run_app("sweep", {folder / "none.json"}), "none.json: cannot be read");
  check_refused(run_app("sweep", {file, "--jobs", "0"}),
                "--jobs takes a whole number from 1 to 64");
  write_text(file, "{" + std::string(common) + ", \"runs\": [{}]}");
  check_refused(run_app("sweep", {file, "--program", "/nowhere/x"}),
                "/nowhere/x cannot be started");
}

TEST_CASE("One run's end is not the sweep's, and two may train at a time") {
  TemporaryFolder folder;
  const std::string file = folder / "s.json", out = folder / "runs";
  // The first one's loss is no longer finite.
  write_text(file, "{" + std::string(common) +
                       R"(, "runs": [{"name": "far", "lr": 1e30}, {"name": "near", "lr": 0.01}]})");
  const Outcome o = run_app("sweep", {file, "--out", out, "--jobs", "2"});
  INFO(o.out << o.err);
  CHECK(o.code == 1);
  CHECK_THAT(o.err, Contains("note: far ended with exit code 1"));
  CHECK_THAT(bytes_of(out + "/far.log"), Contains("no longer finite"));
  CHECK_THAT(bytes_of(out + "/near.log"), Contains("Epoch 2/2"));
  const json runs = sweep_json(out).at("runs");
  CHECK(runs[0].at("name") == "near");
  CHECK(runs[0].at("status") == "finished");
  CHECK(runs[1].at("status") == "exit code 1");
  CHECK(runs[1].at("top1").is_null());
}

TEST_CASE("Ctrl-C ends a sweep, and the same command goes on in the run that it was in") {
  TemporaryFolder folder;
  const std::string file = folder / "s.json", out = folder / "runs";
  write_text(file, "{" + std::string(common) +
                       R"(, "runs": [{"name": "a", "epochs": 40}, {"name": "b"}]})");
  const Words words{file, "--out", out};
  Running sweep(app_command("sweep") + words);
  REQUIRE(sweep.wait_for("Epoch 2/40"));
  sweep.send(SIGINT);
  const Outcome o = sweep.finish();
  INFO(o.out << o.err);
  CHECK(o.code == 130);
  CHECK_THAT(o.out, Contains("the same command goes on"));
  CHECK(!fs::exists(out + "/b"));
  CHECK(sweep_json(out).at("runs")[0].at("status") == "stopped");
  const Outcome again = run_app("sweep", words);
  INFO(again.out << again.err);
  CHECK(again.code == 0);
  CHECK_THAT(again.out, Contains("a, which goes on") && Contains("Epoch 40/40"));
  CHECK(again.out.find("Epoch 1/40") == std::string::npos);
  for (auto& run : sweep_json(out).at("runs")) CHECK(run.at("status") == "finished");
}
