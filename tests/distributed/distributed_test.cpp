// Training with several processes, which mpirun starts on this machine: at most four, on its
// loopback alone.
#include <signal.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "apps/paths.h"
#include "record/safetensors.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "tests/temporary_folder.h"

using namespace tweed;

namespace {

namespace fs = std::filesystem;

// Whether there is MPI to be tested; says so where there is none.
bool has_mpi() {
  if (TWEED_HAVE_MPI && fs::exists(TWEED_MPIRUN)) return true;
  WARN("Tweed was built without MPI (Debian's libopenmpi-dev and openmpi-bin): nothing is tested");
  return false;
}

// mpirun and its flags. A process that hangs ends within two minutes.
Words started(int processes) {
  return split("/usr/bin/env OMP_NUM_THREADS=1 timeout 120 " TWEED_MPIRUN
               " --allow-run-as-root --oversubscribe --bind-to none --mca btl self,vader,tcp"
               " --mca btl_tcp_if_include lo --mca oob_tcp_if_include lo"
               " --mca btl_vader_single_copy_mechanism none -n " +
               std::to_string(processes));
}

struct Steps {
  std::vector<double> losses;
  std::string score;  // counts of the evaluation
  double loss = 0;    // and its loss
};

Steps steps_of(int processes, const std::string& arguments) {
  Words command = processes > 1 ? started(processes) : Words{"/usr/bin/env"};
  command.push_back(program_path("distributed_steps"));
  const Outcome o = run_program(command + split(arguments));
  INFO(processes << " processes: " << arguments << "\n" << o.out << o.err);
  REQUIRE(o.code == 0);
  Steps steps;
  std::istringstream lines(o.out);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(' ') == std::string::npos) {
      steps.losses.push_back(std::stod(line));
    } else {
      const auto last = line.rfind(' ');
      steps.score = line.substr(0, last);
      steps.loss = std::stod(line.substr(last));
    }
  }
  return steps;
}

double difference(const Steps& a, const Steps& b) {
  REQUIRE(a.losses.size() == b.losses.size());
  REQUIRE(a.losses.size() > 0);
  double most = std::abs(a.loss - b.loss);
  for (std::size_t i = 0; i < a.losses.size(); ++i)
    most = std::max(most, std::abs(a.losses[i] - b.losses[i]));
  return most;
}

void check_same_losses(const std::string& arguments, double tolerance,
                       const std::vector<int>& numbers = {2, 4}) {
  const Steps one = steps_of(1, arguments);
  for (const int processes : numbers) {
    const Steps several = steps_of(processes, arguments);
    const double most = difference(one, several);
    INFO(arguments << ": " << processes << " processes differ by up to " << most);
    if (std::getenv("TWEED_SHOW_DIFFERENCES"))
      WARN(arguments << " -n " << processes << ": " << most);
    CHECK(most <= tolerance);
    CHECK(several.score == one.score);
  }
}

// Of train_miniplaces: a run of a second.
Words small_training(const std::string& out, const Words& more = {}) {
  return Words{program_path("train_miniplaces")} + small_run(out, more);
}

// Text with single spaces: mpirun gives its first process a terminal, which breaks lines.
std::string words_of(const std::string& text) {
  std::string all, word;
  for (std::istringstream words(text); words >> word;) all += (all.empty() ? "" : " ") + word;
  return all;
}

nlohmann::json last_line(const std::string& path) {
  std::istringstream lines(bytes_of(path));
  std::string line, last;
  while (std::getline(lines, line)) last = line;
  return nlohmann::json::parse(last);
}

}  // namespace

TEST_CASE("several processes train as one does on the whole batch", "[distributed]") {
  if (!has_mpi()) return;
  check_same_losses("simplenet", 1e-5);
  // Batch norms of so few pixels make rounding grow from step to step (docs/distributed.md has
  // figures): in float32, one process with other kernels differs by 1e-2 from itself. In float64
  // 50 steps are too few for that, and what is left is what several processes do differently.
  // Losses are printed as float32; what they leave in weights, velocities, averages and running
  // statistics is compared in full.
  TemporaryFolder folder;
  for (const std::string kind : {"simplenet_bn f64 sync", "resnet20 f64 sync clip=1 ema=0.9"}) {
    check_same_losses(kind, 1e-5);
    const std::string one = folder / "one", several = folder / "several";
    steps_of(1, kind + " save=" + one);
    for (const int processes : {2, 4}) {
      steps_of(processes, kind + " save=" + several);
      const SafeTensors a = read_safetensors(one), b = read_safetensors(several);
      REQUIRE(a.tensors.size() == b.tensors.size());
      for (auto& [name, t] : a.tensors) {
        INFO(kind << " in " << processes << ": " << name);
        CHECK(difference(b.tensors.at(name).to_doubles(), t.to_doubles(), 1e-10) == "");
      }
    }
  }
}

TEST_CASE("in float32 batch norms keep to it for as long as rounding is small", "[distributed]") {
  if (!has_mpi()) return;
  check_same_losses("simplenet_bn sync steps=3", 1e-5);
  check_same_losses("resnet20 sync clip=1 ema=0.9 steps=2", 1e-5);
}

TEST_CASE("so they do with what else there is to a step", "[distributed]") {
  if (!has_mpi()) return;
  const double tolerance = 1e-5;
  check_same_losses("simplenet_bn sync batch=14 accumulate=2 steps=2", tolerance, {3});
  check_same_losses("simplenet mix batch=15 steps=12", tolerance, {2, 4});
  check_same_losses("simplenet bf16 steps=6", 2e-2, {2});
  check_same_losses("simplenet against=pgd steps=6", tolerance, {2});
  check_same_losses("simplenet against=trades steps=6", tolerance, {3});
  check_same_losses("simplenet against=awp steps=6", tolerance, {2});
  // Shares of 4 and 3 images, whose batch norms share their sums.
  check_same_losses("simplenet_bn sync against=awp batch=7 lr=0.0001 steps=2", tolerance, {2});
  check_same_losses("simplenet against=free steps=6", tolerance, {3});
}

TEST_CASE("a process that ends before the others, as if all were well, ends them",
          "[distributed]") {
  if (!has_mpi()) return;
  TemporaryFolder folder;
  const Words helps{":", "-n", "1", program_path("train_miniplaces"), "--help"};
  const Outcome o = run_program(started(1) + small_training(folder.path()) + helps);
  CHECK(o.code != 0);
  INFO(o.err);
  CHECK(words_of(o.err).find("rank 0: rank 1 has ended while this one waits for it") !=
        std::string::npos);
}

TEST_CASE("batch norms have the statistics of a process unless asked otherwise", "[distributed]") {
  if (!has_mpi()) return;
  const Steps one = steps_of(1, "simplenet_bn steps=3"), two = steps_of(2, "simplenet_bn steps=3");
  CHECK(difference(one, two) > 1e-3);
}

TEST_CASE("a state goes on in any number of processes", "[distributed]") {
  if (!has_mpi()) return;
  TemporaryFolder folder;
  for (const std::string kind :
       {"simplenet_bn sync ema=0.9 lr=0.00001", "simplenet against=free"}) {
    const std::string state = folder / "state";
    const Steps whole = steps_of(1, kind + " batch=15 steps=12");
    steps_of(4, kind + " batch=15 steps=6 save=" + state);
    for (const int processes : {1, 2}) {
      Steps rest = steps_of(processes, kind + " batch=15 steps=6 load=" + state), expected = whole;
      expected.losses.erase(expected.losses.begin(), expected.losses.begin() + 6);
      INFO(kind << " " << processes << " " << difference(expected, rest));
      CHECK(difference(expected, rest) < 1e-5);
    }
  }
}

TEST_CASE("train_miniplaces writes one run, whatever the number of processes", "[distributed]") {
  if (!has_mpi()) return;
  TemporaryFolder one, three;
  const Words flags = split("--epochs 2 --sync-bn --model simplenet_bn --image-size 32");
  const Outcome alone = run_program(small_training(one.path(), flags));
  const Outcome o = run_program(started(3) + small_training(three.path(), flags));
  INFO(alone.err << o.out << o.err);
  REQUIRE(alone.code == 0);
  REQUIRE(o.code == 0);
  CHECK(o.out.find("3 processes train together (Open MPI") != std::string::npos);
  CHECK(o.out.find("Trained 2 epochs") == o.out.rfind("Trained 2 epochs"));  // one of them says it
  const auto a = last_line(one / "metrics.jsonl"), b = last_line(three / "metrics.jsonl");
  for (auto name : {"epoch", "train_top1", "train_top5", "val_top1", "val_top5"})
    CHECK(a.at(name) == b.at(name));
  for (auto name : {"train_loss", "val_loss", "val_calibration_error"})
    CHECK(std::abs(double(a.at(name)) - double(b.at(name))) < 1e-4);
  CHECK(line_count(bytes_of(one / "iterations.jsonl")) ==
        line_count(bytes_of(three / "iterations.jsonl")));
  std::set<std::string> left_one, left_three;
  for (auto& file : fs::directory_iterator(one.path())) left_one.insert(file.path().filename());
  for (auto& file : fs::directory_iterator(three.path())) left_three.insert(file.path().filename());
  CHECK(left_one == left_three);

  // It goes on with another number of processes.
  const Outcome more = run_program(started(2) + Words{program_path("train_miniplaces"), "--resume",
                                                      three.path(), "--epochs", "3"});
  INFO(more.out << more.err);
  CHECK(more.code == 0);
  CHECK(last_line(three / "metrics.jsonl").at("epoch") == 3);

  // An evaluation, each with a share of the images.
  const Words evaluate{program_path("train_miniplaces"), "tiny", "--resume", three.path(), "-e"};
  const Outcome by_one = run_program(evaluate), by_two = run_program(started(2) + evaluate);
  INFO(by_two.out << by_two.err);
  CHECK(by_two.code == 0);
  const std::string figures = words_of(by_one.out), said = "image and mirror image:";
  REQUIRE(figures.find(said) != std::string::npos);
  CHECK(words_of(by_two.out).find(figures.substr(figures.find(said))) != std::string::npos);
}

TEST_CASE("processes that differ are refused, naming what differs", "[distributed]") {
  if (!has_mpi()) return;
  TemporaryFolder folder;
  auto refused = [&](const Words& flags, const std::string& what) {
    const Words with = small_training(folder / "out");
    const Outcome o = run_program(started(1) + with + Words{":", "-n", "1"} + with + flags);
    INFO(o.err);
    CHECK(o.code != 0);
    CHECK(o.err.find("train_miniplaces (rank 0): the processes do not agree: rank 1 has another " +
                     what) != std::string::npos);
  };
  refused({"--lr", "0.2"}, "value of --lr than rank 0 (0.2 instead of 0.05)");
  refused({"--conv", "im2col"}, "value of --conv than rank 0 (im2col instead of auto)");
  refused({"--limit", "5"}, "value of --limit than rank 0 (5 instead of 4)");
  refused({"--normalize", "none"}, "value of --normalize than rank 0 (none instead of imagenet)");
  refused({"--load-size", "20"}, "value of --load-size than rank 0 (20 instead of none)");
  // Before they would wait for each other in different places.
  refused({"--pack"}, "value of --pack than rank 0 (given instead of none)");

  auto differ = [&](const Words& one, const Words& other, const std::string& what) {
    const Outcome o = run_program(started(1) + one + Words{":", "-n", "1"} + other);
    INFO(o.out << o.err);
    CHECK(o.code != 0);
    CHECK(words_of(o.err).find("the processes do not agree: rank 1 has another " + what) !=
          std::string::npos);
  };
  // The same flags in two places: a photo that differs, other weights, another build.
  const std::string places[] = {folder / "a", folder / "b"};
  for (auto& place : places) {
    write_data(place + "/data");
    const Words seed{"--seed", place == places[0] ? "1" : "2"};
    REQUIRE(run_program(small_training(place + "/run", seed)).code == 0);
  }
  const auto at = [&](int place, const Words& command) {
    return Words{"/bin/sh", "-c", "cd '" + places[place] + "' && exec \"$0\" \"$@\""} + command;
  };
  const Words on_weights = small_training(folder / "out", {"--weights", "run/last.safetensors"});
  differ(at(0, on_weights), at(1, on_weights), "set of initial weights");
  const Words on_data = split(program_path("train_miniplaces") +
                              " data --epochs 1 --model simplenet --image-size 32 --batch-size 4 "
                              "--out " +
                              folder / "out");
  const fs::path photo = fs::directory_iterator(places[1] + "/data/train/a")->path();
  fs::rename(photo, photo.string() + ".jpg");
  differ(at(0, on_data), at(1, on_data), "content of the training images");
  fs::rename(photo.string() + ".jpg", photo);
  write_photo(photo, 2);
  differ(at(0, on_data), at(1, on_data), "content of the training images");
  Words built = small_training(folder / "out");
  built[0] = folder / "train_miniplaces";
  fs::copy_file(program_path("train_miniplaces"), built[0]);
  std::ofstream(built[0], std::ios::app) << "another build";
  differ(small_training(folder / "out"), built, "build than rank 0");

  // Evaluations of two networks, and one beside a training.
  const auto evaluated = [&](const std::string& run) {
    return Words{program_path("train_miniplaces"), "tiny", "--resume", run, "-e"};
  };
  differ(evaluated(places[0] + "/run"), evaluated(places[1] + "/run"), "set of initial weights");
  differ(evaluated(places[0] + "/run"), small_training(folder / "out"), "value of --evaluate");
  // Two sweeps.
  const auto sweep = [&](const std::string& rates) {
    const std::string file = folder / ("of" + std::to_string(rates.size()) + ".json");
    write_text(file,
               R"({"flags": {"data": "tiny", "epochs": 1}, "grid": {"lr": [)" + rates + "]}}");
    return Words{program_path("sweep"), file, "--out", folder / "sweep"};
  };
  differ(sweep("0.01, 0.02, 0.03"), sweep("0.01"), "list of runs than rank 0 (1 run, digest");

  const Outcome small =
      run_program(started(2) + small_training(folder / "out", {"--batch-size", "1"}));
  INFO(small.err);
  CHECK(small.code != 0);
  CHECK(small.err.find("(rank 0): [train] 1 images of a batch are too few for 2 processes: each "
                       "takes at least one") != std::string::npos);
}

namespace {

// A training by two processes, of which the second is known by its number.
class TwoProcesses {
 public:
  TwoProcesses(const std::string& folder, const Words& flags)
      : id_(folder + ".id"), run_(command(folder, id_, flags)) {}
  Running& run() { return run_; }
  void signal_second(int signal) const { kill(pid_t(std::stol(bytes_of(id_))), signal); }
  // mpirun kills it with its own end, and the system takes a moment for it.
  bool second_is_gone() const {
    for (int i = 0; i < 50; ++i) {
      if (kill(pid_t(std::stol(bytes_of(id_))), 0) != 0) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }

 private:
  static Words command(const std::string& folder, const std::string& id, const Words& flags) {
    const std::string program =
        "if [ $OMPI_COMM_WORLD_RANK = 1 ]; then echo $$ > " + id + "; fi; exec \"$0\" \"$@\"";
    return started(2) + Words{"/bin/sh", "-c", program} + small_training(folder, flags);
  }
  std::string id_;
  Running run_;
};

// All who asks how many: TWEED_PEER_DEATHS=20 for as many as one wishes.
int deaths() {
  const char* given = std::getenv("TWEED_PEER_DEATHS");
  return given ? std::atoi(given) : 2;
}

}  // namespace

TEST_CASE("a process that dies or hangs ends all, and the run goes on", "[distributed]") {
  if (!has_mpi()) return;
  std::minstd_rand random(7);
  for (int i = 0; i < deaths(); ++i) {
    const int signal = i % 2 ? SIGSTOP : SIGKILL;
    TemporaryFolder folder;
    const std::string out = folder / "run";
    TwoProcesses both(out, {"--epochs", "100000", "--patience", "0"});
    REQUIRE(both.run().wait_for("2/100000"));
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 2000));
    both.signal_second(signal);
    const auto begin = std::chrono::steady_clock::now();
    const Outcome o = both.run().finish();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    INFO("signal " << signal << ", " << seconds.count() << " s\n" << o.out << o.err);
    CHECK(o.code != 0);
    CHECK(seconds.count() < 30);
    CHECK(both.second_is_gone());
    const std::string said = words_of(o.out + o.err);
    if (signal == SIGSTOP)
      CHECK(said.find("rank 1 has given no sign of life for 20 s") != std::string::npos);
    else
      CHECK(said.find("process rank 1 with PID") != std::string::npos);  // mpirun's sentence
    const std::string state = out + "/last.state.safetensors";
    CHECK(read_safetensors(state).tensors.size() > 0);
    const int64_t epoch = last_line(out + "/metrics.jsonl").at("epoch");
    const Outcome more =
        run_program(started(2) + Words{program_path("train_miniplaces"), "--resume", out,
                                       "--epochs", std::to_string(epoch + 2)});
    INFO(more.out << more.err);
    CHECK(more.code == 0);
    CHECK(last_line(out + "/metrics.jsonl").at("epoch") == epoch + 2);
  }
}

TEST_CASE("processes that are paused together go on", "[distributed]") {
  if (!has_mpi()) return;
  TemporaryFolder folder;
  const std::string ids = folder / "ids";
  Running both(started(2) + Words{"/bin/sh", "-c", "echo $$ >> " + ids + "; exec \"$0\" \"$@\""} +
               small_training(folder / "run", {"--epochs", "100000", "--patience", "0"}));
  REQUIRE(both.wait_for("2/100000"));
  auto signal_all = [&](int signal) {
    std::istringstream numbers(bytes_of(ids));
    for (pid_t id; numbers >> id;) kill(id, signal);
  };
  signal_all(SIGSTOP);
  std::this_thread::sleep_for(std::chrono::seconds(22));  // longer than Heartbeat::silence
  signal_all(SIGCONT);
  std::this_thread::sleep_for(std::chrono::seconds(3));
  signal_all(SIGINT);
  const Outcome o = both.finish();
  INFO(o.out << o.err);
  CHECK(o.code == 130);
  CHECK(o.out.find("Stopped in epoch ") != std::string::npos);
}

TEST_CASE("Ctrl-C in one process stops all", "[distributed]") {
  if (!has_mpi()) return;
  TemporaryFolder folder;
  TwoProcesses both(folder / "run", {"--epochs", "100000", "--patience", "0"});
  REQUIRE(both.run().wait_for("2/100000"));
  both.signal_second(SIGINT);
  const Outcome o = both.run().finish();
  INFO(o.out << o.err);
  CHECK(o.code == 130);
  CHECK(o.out.find("Stopped in epoch ") != std::string::npos);
}

TEST_CASE("an error in one process ends all, with its rank", "[distributed]") {
  if (!has_mpi()) return;
  TemporaryFolder folder;
  const Outcome o =
      run_program(started(1) + small_training(folder / "out") + Words{":", "-n", "1"} +
                  small_training(folder / "out", {"--weights", folder / "none.pth"}));
  INFO(o.out << o.err);
  CHECK(o.code != 0);
  CHECK(o.err.find("train_miniplaces (rank 1): ") != std::string::npos);
  CHECK(o.err.find("none.pth") != std::string::npos);
}

TEST_CASE("the runs of a sweep are shared by processes", "[distributed]") {
  if (!has_mpi()) return;
  TemporaryFolder folder;
  const std::string file = folder / "rates.json", out = folder / "out";
  write_text(file,
             R"({"flags": {"data": "tiny", "epochs": 1, "image-size": 16, "batch-size": 8,
                           "limit": 4, "classes": 3},
                 "grid": {"lr": [0.01, 0.02, 0.05], "seed": [1, 2]}})");
  const Words sweep{program_path("sweep"), file, "--out", out};
  const Outcome o = run_program(started(2) + sweep);
  INFO(o.out << o.err);
  CHECK(o.code == 0);
  CHECK(o.out.find("2 processes train one each") != std::string::npos);
  const auto table = nlohmann::json::parse(bytes_of(out + "/sweep.json"));
  REQUIRE(table.at("runs").size() == 6);
  for (auto& run : table.at("runs")) {
    CHECK(run.at("status") == "finished");
    const std::string place = run.at("folder");
    CHECK(bytes_of(place + ".log").find("Trained 1 epoch") != std::string::npos);
    CHECK(bytes_of(place + ".log").find("train together") == std::string::npos);
  }
  CHECK(fs::exists(out + "/compare.html"));
  const Outcome again = run_program(sweep);
  CHECK(again.code == 0);
  CHECK(again.out.find("of which 6 are done already") != std::string::npos);

  // A run that fails in the second process is in the table, and in the exit code.
  write_text(file, R"({"flags": {"data": "tiny", "epochs": 2, "image-size": 16, "batch-size": 8,
                                 "limit": 4, "classes": 3},
                       "grid": {"lr": [0.05, 1e30]}})");
  const Outcome failed =
      run_program(started(2) + Words{program_path("sweep"), file, "--out", folder / "failed"});
  INFO(failed.out << failed.err);
  CHECK(failed.code == 1);
  const auto rows = nlohmann::json::parse(bytes_of(folder / "failed/sweep.json")).at("runs");
  CHECK(rows.at(0).at("status") == "finished");
  CHECK(rows.at(1).at("status") == "failed");
}

TEST_CASE("a full disk ends all processes, and what was whole stays whole", "[distributed]") {
  if (!has_mpi()) return;
  TemporaryFolder folder;
  const std::string out = folder / "out", state = out + "/last.state.safetensors";
  REQUIRE(run_program(started(2) + small_training(out)).code == 0);
  const std::string before = bytes_of(state);
  // A limit on file sizes stands in for a full disk. MPI's shared memory would be under it, too.
  Words command = started(1);
  for (auto& word : command)
    if (word == "self,vader,tcp") word = "self,tcp";
  const Words more{program_path("train_miniplaces"), "--resume", out, "--epochs", "9"};
  command = command + Words{"/bin/bash", "-c", "ulimit -f 20; exec \"$0\" \"$@\""} + more +
            Words{":", "-n", "1"} + more;
  const Outcome o = run_program(command);
  INFO(o.out << o.err);
  CHECK(o.code != 0);
  CHECK(words_of(o.err).find("train_miniplaces (rank 0): ") != std::string::npos);
  CHECK(words_of(o.err).find("cannot be written") != std::string::npos);
  CHECK(bytes_of(state) == before);
}
