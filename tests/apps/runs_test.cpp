// What a training run does to its folder: which one it takes, and what it never destroys.
#include <signal.h>
#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "apps/paths.h"
#include "record/checkpoint.h"
#include "record/metrics.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace tweed;
namespace fs = std::filesystem;

namespace {

const char* const files[] = {"last.state.safetensors", "last.safetensors", "best.safetensors",
                             "metrics.jsonl", "curves.png"};

std::vector<std::string> contents(const std::string& folder) {
  std::vector<std::string> all;
  for (auto name : files) all.push_back(bytes_of(folder + "/" + name));
  return all;
}

void check_done(const Outcome& o) {
  INFO(o.err);
  CHECK(o.err == "");
  REQUIRE(o.code == 0);
}

Outcome resume(const std::string& folder, const std::string& more = "") {
  Words words{"--resume", folder + "/last.safetensors"};
  for (auto& word : split(more)) words.push_back(word);
  return run_app("train_miniplaces", words);
}

int64_t epoch_of(const std::string& folder) {
  return load_checkpoint(folder + "/last.safetensors").info.epoch;
}

// Trains without --out in a folder of the test's own.
Outcome train_in(const std::string& folder, const std::string& more = "") {
  std::string command = "cd '" + folder + "' && exec '" + program_path("train_miniplaces") +
                        "' tiny --image-size 16 --batch-size 8 --limit 4 --classes 3 --epochs 1 ";
  return run_program({"/bin/sh", "-c", command + more});
}

}  // namespace

TEST_CASE("A resumed run goes on in its own folder with its own flags", "[runs]") {
  TemporaryFolder parts, whole;
  const Words flags = split("--warmup 0 --schedule constant --momentum 0.8 --clip-grad 2 --seed 4");
  auto with = [&](const char* epochs) {
    Words words = flags;
    words.insert(words.end(), {"--epochs", epochs});
    return words;
  };
  check_done(train(whole.path(), with("2")));
  check_done(train(parts.path(), with("1")));
  const Outcome o = resume(parts.path(), "--epochs 2");
  check_done(o);
  CHECK(o.out.find("Files go to " + parts.path() + "\n") != std::string::npos);
  CHECK(o.out.find("Going on in epoch 2 with the flags of before, but --epochs 2 instead of 1\n") !=
        std::string::npos);
  CHECK(contents(parts.path()) == contents(whole.path()));

  // The state says how the run was trained, by default or not.
  const auto state = read_safetensors(parts / "last.state.safetensors");
  const auto kept = nlohmann::json::parse(state.metadata.at("flags"));
  CHECK(kept.at("--lr").at(0) == "0.05");
  CHECK(kept.at("--momentum").at(0) == "0.8");
  CHECK(kept.at("--augment").at(0) == "mirror,crop");
}

TEST_CASE("What must stay the same in a resumed run, and what is done, is said", "[runs]") {
  TemporaryFolder folder;
  check_done(train(folder.path(), {"--epochs", "1"}));
  check_refused(resume(folder.path(), "--seed 5"), "written with seed 0, not 5");
  check_refused(resume(folder.path(), "--optimizer adam"), "with optimizer");
  check_refused(resume(folder.path(), "--image-size 24"),
                "images of 16 cut from 18, not 24 from 27");
  const auto before = contents(folder.path());
  const Outcome done = resume(folder.path());
  check_done(done);
  CHECK(done.out.find("This run is finished (1 epoch); --epochs with a larger number") !=
        std::string::npos);
  CHECK(contents(folder.path()) == before);
  const Outcome best = run_app(
      "train_miniplaces", {"--resume", folder / "best.safetensors", "--out", folder / "other"});
  check_done(best);
  CHECK(best.out.find("This run is finished (1 epoch)") != std::string::npos);
  CHECK_FALSE(fs::exists(folder / "other"));  // there is nothing that it could hold
  fs::copy_file(folder / "best.safetensors", folder / "weights.safetensors");
  check_refused(run_app("train_miniplaces", {"--resume", folder / "weights.safetensors"}),
                "has no training state beside it");
  // The folder and the state name the run as well.
  CHECK(run_app("train_miniplaces", {"--resume", folder.path()}).code == 0);
  CHECK(run_app("train_miniplaces", {"--resume", folder / "last.state.safetensors"}).code == 0);
}

TEST_CASE("A run's folder is named without what a terminal would act upon", "[runs]") {
  TemporaryFolder folder;
  const Outcome o = train(folder / "a\x1b[31m\nb", {"--epochs", "1"});
  check_done(o);
  CHECK(o.out.find('\x1b') == std::string::npos);
  CHECK(o.out.find("a\\x1b[31m\\nb") != std::string::npos);
}

TEST_CASE("A run keeps its commands, as typed, and takes flags from a file", "[runs]") {
  TemporaryFolder folder;
  const std::string out = folder / "run";
  check_done(train(out, {"--epochs", "1"}));
  check_done(resume(out, "--epochs 2"));
  const auto config = nlohmann::json::parse(bytes_of(out + "/config.json"));
  REQUIRE(config.at("commands").size() == 2);
  CHECK(config["commands"][0] == nlohmann::json(small_run(out, {"--epochs", "1"})));
  CHECK(config["commands"][1] ==
        nlohmann::json(Words{"--resume", out + "/last.safetensors", "--epochs", "2"}));
  CHECK(config.at("flags").at("--epochs") == nlohmann::json(Words{"2"}));

  write_text(folder / "flags.ini", "epochs=3\nlr=0.5\n");
  check_done(train(folder / "from_file", {"--config", folder / "flags.ini", "--lr", "0.25"}));
  const auto flags = nlohmann::json::parse(bytes_of(folder / "from_file/config.json")).at("flags");
  CHECK(flags.at("--epochs") == nlohmann::json(Words{"3"}));
  CHECK(flags.at("--lr") == nlohmann::json(Words{"0.25"}));
  write_text(folder / "flags.ini", "epohcs=3\n");
  check_refused(train(folder / "x", {"--config", folder / "flags.ini"}), "epohcs");
  check_refused(train(folder / "x", {"--config", folder / "nothing.ini"}), "nothing.ini");
}

TEST_CASE("Without DATA it trains as the demo does", "[runs]") {
  TemporaryFolder folder;
  const std::string command =
      "cd '" + folder.path() + "' && exec '" + program_path("train_miniplaces") + "' ";
  const Outcome o = run_program(
      {"/bin/sh", "-c", command + "--limit 2 --image-size 32 --iterations 1 --batch-size 4"});
  check_done(o);
  CHECK(o.out.starts_with("Without DATA: tiny --model=simplenet_bn --warmup=1\n"));
  CHECK(load_checkpoint(folder / "runs/train/last.safetensors").info.model == "simplenet_bn");
}

TEST_CASE("A start that is refused leaves no folder behind", "[runs]") {
  TemporaryFolder folder;
  const Outcome o = run_app("train_miniplaces", {"nowhere", "--out", folder / "new"});
  CHECK(o.code == 2);
  CHECK_FALSE(fs::exists(folder / "new"));
  CHECK(run_app("train_miniplaces", {"nowhere", "--out", folder / "a/b/c/."}).code == 2);
  CHECK(fs::is_empty(folder.path()));
  fs::create_directory(folder / "mine");
  CHECK(run_app("train_miniplaces", {"nowhere", "--out", folder / "mine"}).code == 2);
  CHECK(fs::is_empty(folder / "mine"));
  write_text(folder / "mine/notes.txt", "mine");
  CHECK(run_app("train_miniplaces", {"nowhere", "--out", folder / "mine"}).code == 2);
  CHECK_FALSE(fs::exists(folder / "mine/.lock"));
  write_text(folder / "mine/.lock", "of another program");
  check_refused(run_app("train_miniplaces", {"nowhere", "--out", folder / "mine"}),
                "is not the lock of a run");
  CHECK(bytes_of(folder / "mine/.lock") == "of another program");
}

TEST_CASE("A new run leaves files alone that are not of a run", "[runs]") {
  TemporaryFolder folder;
  for (const char* name : {"saliency.png", "attack.png", "notes.txt"})
    write_text(folder / name, "mine");
  check_done(train(folder.path(), {"--epochs", "1"}));
  for (const char* name : {"saliency.png", "attack.png", "notes.txt"})
    CHECK(bytes_of(folder / name) == "mine");
  for (const char* name : {"curves.png", "report.html", "validation.json"}) {
    TemporaryFolder other;
    write_text(other / name, "mine");
    check_refused(train(other.path(), {"--epochs", "1"}), "holds another run");
    CHECK(bytes_of(other / name) == "mine");
  }
  // Nor what else is in a folder called like one of ours.
  TemporaryFolder events;
  fs::create_directories(events / "tensorboard/train");
  write_text(events / "tensorboard/train/notes.txt", "mine");
  check_done(train(events.path(), {"--epochs", "1"}));
  check_done(train(events.path(), {"--epochs", "1", "--overwrite"}));
  CHECK(bytes_of(events / "tensorboard/train/notes.txt") == "mine");
}

TEST_CASE("DATA of a resumed run is one word, whatever it begins with", "[runs]") {
  TemporaryFolder folder;
  write_data(folder / "-x");
  const std::string command =
      "cd '" + folder.path() + "' && exec '" + program_path("train_miniplaces") + "' ";
  auto run = [&](const std::string& words) {
    return run_program({"/bin/sh", "-c", command + words});
  };
  check_done(run("--image-size 16 --batch-size 4 --epochs 1 --out o -- -x"));
  check_done(run("--resume o --epochs 2"));
  CHECK(epoch_of(folder / "o") == 2);
  // Where it is not there, it is said whose DATA that is.
  fs::rename(folder / "-x", folder / "y");
  check_refused(run("--resume o --epochs 3"), "(the DATA of the run that goes on; another may");
  check_done(run("y --resume o --epochs 3"));
  // More words than one would be flags.
  const std::string state = folder / "o/last.state.safetensors";
  SafeTensors file = read_safetensors(state);
  auto flags = nlohmann::json::parse(file.metadata.at("flags"));
  flags["data"] = {"y", "--device", "sim"};
  file.metadata["flags"] = flags.dump();
  write_safetensors(state, file);
  check_refused(run("--resume o --epochs 4"), "its flags cannot be read");
}

TEST_CASE("A position that cannot be is refused", "[runs]") {
  TemporaryFolder folder;
  check_done(train(folder.path(), {"--epochs", "1"}));
  const std::string state = folder / "last.state.safetensors";
  const SafeTensors file = read_safetensors(state);
  auto refused = [&](const char* key, const nlohmann::json& value) {
    SafeTensors damaged = file;
    auto position = nlohmann::json::parse(file.metadata.at("position"));
    position[key] = value;
    damaged.metadata["position"] = position.dump();
    write_safetensors(state, damaged);
    INFO(key << " " << value.dump());
    check_refused(resume(folder.path(), "--epochs 2"), "last.state.safetensors: is no training");
  };
  refused("best", 1e300);
  refused("loss", -1);
  refused("count", -1);
  refused("count", int64_t(1) << 53);
  refused("top1", 3);
  refused("first_gradient", -5);
  refused("iteration", 1);  // of whose images nothing is said
  refused("epoch", "1");
}

TEST_CASE("A new run replaces another's files only when it is told to", "[runs]") {
  TemporaryFolder folder;
  check_done(train(folder.path(), {"--epochs", "2"}));
  const auto before = contents(folder.path());
  check_refused(train(folder.path(), {"--epochs", "1", "--seed", "3"}),
                "holds another run: go on with it by --resume");
  CHECK(contents(folder.path()) == before);
  write_text(folder / "attack.png", "of the old run");
  check_done(train(folder.path(), {"--epochs", "1", "--seed", "3", "--overwrite"}));
  CHECK_FALSE(fs::exists(folder / "attack.png"));
  CHECK(epoch_of(folder.path()) == 1);
  CHECK(read_metric(folder / "metrics.jsonl", "epoch").size() == 1);
}

TEST_CASE("Without --out a run takes the next free folder and says so", "[runs]") {
  TemporaryFolder folder;
  Outcome o = train_in(folder.path());
  check_done(o);
  CHECK(o.out.find("Files go to runs/train\n") != std::string::npos);
  const auto first = contents(folder / "runs/train");
  o = train_in(folder.path());
  check_done(o);
  CHECK(o.out.find("Files go to runs/train-2: runs/train holds another run\n") !=
        std::string::npos);
  CHECK(contents(folder / "runs/train") == first);
  CHECK(epoch_of(folder / "runs/train-2") == 1);
  // Nor does a resumed run go there.
  o = train_in(folder.path(), "--epochs 2 --resume runs/train-2/last.safetensors");
  check_done(o);
  CHECK(contents(folder / "runs/train") == first);
  CHECK(epoch_of(folder / "runs/train-2") == 2);
}

TEST_CASE("A run that goes on in another folder takes its files along", "[runs]") {
  TemporaryFolder from, to, other, whole;
  check_done(train(whole.path(), split("--epochs 2 --warmup 0 --schedule constant")));
  check_done(train(from.path(), split("--epochs 1 --warmup 0 --schedule constant")));
  check_done(train(other.path(), {"--epochs", "1", "--seed", "8"}));
  const auto before = contents(from.path()), others = contents(other.path());
  check_done(resume(from.path(), "--epochs 2 --out " + to.path()));
  CHECK(contents(from.path()) == before);
  CHECK(contents(to.path()) == contents(whole.path()));
  check_refused(resume(from.path(), "--epochs 2 --out " + other.path()), "holds another run");
  CHECK(contents(other.path()) == others);
  check_done(resume(from.path(), "--epochs 2 --overwrite --out " + other.path()));
  CHECK(contents(other.path()) == contents(whole.path()));
}

TEST_CASE("A copy that fails leaves nothing, and may be made again", "[runs]") {
  TemporaryFolder folder;
  check_done(train(folder / "a", {"--epochs", "1"}));
  std::string line = "ulimit -f 20; exec '" + program_path("train_miniplaces") + "' --resume '" +
                     (folder / "a") + "' --epochs 2 --out '" + (folder / "b") + "'";
  check_refused(run_program({"/bin/sh", "-c", line}), "File too large", 1);
  CHECK_FALSE(fs::exists(folder / "b"));
  check_done(resume(folder / "a", "--epochs 2 --out " + (folder / "b")));
  CHECK(epoch_of(folder / "b") == 2);
}

TEST_CASE("Two runs never write to one folder", "[runs]") {
  TemporaryFolder folder;
  Words command{program_path("train_miniplaces")};
  for (auto& word : small_run(folder.path(), {"--epochs", "1000"})) command.push_back(word);
  Running first(command);
  REQUIRE(first.wait_for("Epoch 1/1000  train"));
  check_refused(train(folder.path(), {"--overwrite"}), "is training there");
  check_refused(resume(folder.path()), "is training there");
  first.send(SIGKILL);
  first.finish();
  check_done(train(folder.path(), {"--epochs", "1", "--overwrite"}));
}

TEST_CASE("Weights that are no longer finite are never saved", "[runs]") {
  TemporaryFolder folder;
  // One step an epoch: its loss is that of the weights before it.
  const Words run = split("--batch-size 12 --warmup 0 --schedule constant");
  Words wild = run;
  wild.insert(wild.end(), {"--lr", "1e30", "--epochs", "1"});
  check_refused(train(folder.path(), wild), "No epoch was finished, so nothing is saved", 1);
  for (auto name : files) CHECK_FALSE(fs::exists(folder / name));

  Words good = run;
  good.insert(good.end(), {"--epochs", "1"});
  check_done(train(folder.path(), good));
  const auto before = contents(folder.path());
  check_refused(resume(folder.path(), "--epochs 2 --lr 1e30"), "What was saved before stays", 1);
  CHECK(nlohmann::json::parse(bytes_of(folder / "config.json")).at("status") == "failed");
  CHECK(contents(folder.path()) == before);
}

TEST_CASE("A loss that is not finite in the first epoch leaves another's run alone", "[runs]") {
  TemporaryFolder folder;
  check_done(train(folder / "runs/train", {"--epochs", "1"}));
  const auto before = contents(folder / "runs/train");
  check_refused(train_in(folder.path(), "--warmup 0 --lr 1e30 --batch-size 2"),
                "No epoch was finished, so nothing is saved", 1);
  CHECK(contents(folder / "runs/train") == before);
  CHECK_FALSE(fs::exists(folder / "runs/train-2"));
}

TEST_CASE("A line of metrics that cannot be written whole is taken back", "[runs]") {
  TemporaryFolder folder;
  const std::string path = folder / "metrics.jsonl";
  MetricsFile file(path);
  file.append({{"epoch", int64_t{1}}, {"train_loss", 2.5}});
  const std::string before = bytes_of(path);

  const auto ignored = signal(SIGXFSZ, SIG_IGN);
  rlimit limit{}, small{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  small = limit;
  small.rlim_cur = before.size() + 5;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string said;
  try {
    file.append({{"epoch", int64_t{2}}, {"train_loss", 1.5}});
  } catch (const Error& e) {
    said = e.what();
  }
  setrlimit(RLIMIT_FSIZE, &limit);
  signal(SIGXFSZ, ignored);
  CHECK(said.find("cannot be written") != std::string::npos);
  CHECK(bytes_of(path) == before);
}

TEST_CASE("A limit on files stops a run with one line, and a first run leaves nothing", "[runs]") {
  TemporaryFolder folder;
  std::string line = "ulimit -f 20; exec";
  for (auto& word : small_run(folder.path(), {"--epochs", "1"})) line += " '" + word + "'";
  line.insert(line.find("exec") + 4, " '" + program_path("train_miniplaces") + "'");
  check_refused(run_program({"/bin/sh", "-c", line}), "cannot be written: File too large", 1);
  CHECK(fs::is_empty(folder.path()));
  check_refused(resume(folder.path()), "no such file");
  write_text(folder / ".lock", "123\n");  // as a killed one leaves it
  check_refused(resume(folder.path()), "the run there ended before its first step");
}
