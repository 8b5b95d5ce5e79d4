// Training with several processes, which mpirun starts on this machine: at most four, on its
// loopback alone.
#include <signal.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "apps/paths.h"
#include "distributed/launch.h"
#include "record/safetensors.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"
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
  // Batch norms of so few pixels make rounding grow tenfold a step: one process with other kernels
  // differs as much from itself. So a few steps at a rate that trains, and 50 at one that hardly
  // does.
  check_same_losses("simplenet_bn sync steps=3", 1e-5);
  check_same_losses("resnet20 sync clip=1 ema=0.9 steps=2", 1e-5);
  check_same_losses("resnet20 sync clip=1 ema=0.9 lr=0.00001", 1e-5);
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
  check_same_losses("simplenet against=free steps=6", tolerance, {3});
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

  const Outcome small =
      run_program(started(2) + small_training(folder / "out", {"--batch-size", "1"}));
  INFO(small.err);
  CHECK(small.code != 0);
  CHECK(small.err.find("(rank 0): [train] 1 images of a batch are too few for 2 processes: each "
                       "takes at least one") != std::string::npos);
}

TEST_CASE("what stops or ends one process stops or ends all", "[distributed]") {
  if (!has_mpi()) return;
  TemporaryFolder folder;
  const std::string id = folder / "id";
  auto start = [&](const std::string& out) {
    // The second process is known by its number.
    const std::string program =
        "if [ $OMPI_COMM_WORLD_RANK = 1 ]; then echo $$ > " + id + "; fi; exec \"$0\" \"$@\"";
    return Running(started(2) + Words{"/bin/sh", "-c", program} +
                   small_training(out, {"--epochs", "100000", "--patience", "0"}));
  };
  Running killed = start(folder / "killed");
  REQUIRE(killed.wait_for("2/100000"));
  kill(pid_t(std::stol(bytes_of(id))), SIGKILL);
  CHECK(killed.finish().code != 0);
  CHECK(read_safetensors(folder / "killed/last.state.safetensors").tensors.size() > 0);

  Running stopped = start(folder / "stopped");
  REQUIRE(stopped.wait_for("2/100000"));
  kill(pid_t(std::stol(bytes_of(id))), SIGINT);
  const Outcome o = stopped.finish();
  INFO(o.out << o.err);
  CHECK(o.code == 130);
  CHECK(o.out.find("Stopped in epoch ") != std::string::npos);
}

TEST_CASE("how a program was started is found in its environment", "[distributed]") {
  struct Set {
    using Values = std::vector<std::pair<std::string, std::string>>;
    explicit Set(Values values) : values_(std::move(values)) {
      for (auto& [name, value] : values_) setenv(name.c_str(), value.c_str(), 1);
    }
    ~Set() {
      for (auto& [name, value] : values_) unsetenv(name.c_str());
    }
    std::vector<std::pair<std::string, std::string>> values_;
  };
  CHECK(launch_of_environment().alone());
  {
    const Set set(Set::Values{{"OMPI_COMM_WORLD_RANK", "2"},
                              {"OMPI_COMM_WORLD_SIZE", "4"},
                              {"RANK", "7"},
                              {"WORLD_SIZE", "8"}});
    const Launch launch = launch_of_environment();
    CHECK((launch.rank == 2 && launch.size == 4 && launch.by_mpi));
  }
  {
    const Set set(Set::Values{{"RANK", "7"}, {"WORLD_SIZE", "8"}});
    const Launch launch = launch_of_environment();
    CHECK((launch.rank == 7 && launch.size == 8 && !launch.by_mpi));
    CHECK(launch.variables == "RANK and WORLD_SIZE");
  }
  {
    // What sbatch runs before any srun.
    const Set script(Set::Values{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}});
    CHECK(launch_of_environment().alone());
    const Set step(Set::Values{{"SLURM_STEP_NUM_TASKS", "4"}});
    CHECK(launch_of_environment().size == 4);
  }
  const Set wrong(Set::Values{{"RANK", "8"}, {"WORLD_SIZE", "8"}});
  CHECK_THROWS_WITH(launch_of_environment(),
                    Contains("RANK is 8 and WORLD_SIZE 8: processes are counted from 0"));
  const Set nonsense(Set::Values{{"RANK", "first"}});
  CHECK_THROWS_WITH(launch_of_environment(), Contains("RANK in the environment is 'first'"));
  const Set torchrun(Set::Values{{"RANK", "1"}});
  TemporaryFolder folder;
  const Outcome o = run_program(small_training(folder / "out"));
  CHECK(o.code == 2);
  CHECK(o.err.find("RANK and WORLD_SIZE say that this is one of 8 processes") != std::string::npos);
}
