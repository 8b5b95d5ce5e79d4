// Attacks a network and says how well it stands. See --help.
#include <cstdio>

#include "apps/app.h"
#include "apps/flags.h"
#include "apps/json_output.h"
#include "apps/network_flags.h"
#include "apps/numbers.h"
#include "apps/sheets.h"
#include "attacks/self_test.h"

using namespace tweed;
using namespace tweed::app;

namespace {

// What is attacked, and how.
struct Work {
  Checkpoint checkpoint;
  DataSplits data;
  PgdOptions attack;
  Device device;
  int workers = 0;
  std::string out;
  bool json = false;
  Json results;

  const CheckpointInfo& info() const { return checkpoint.info; }
  bool print(const char* what, const PgdOptions* under);
  int examine();
  int run();
};

// False after Ctrl-C.
bool Work::print(const char* what, const PgdOptions* under) {
  EvaluateOptions options = evaluation_of(info(), workers);
  if (under) options.attack = pgd_attack(interruptible(*under), device);
  const Score score = evaluate_shown(*checkpoint.network, data.validation, options);
  if (interrupted()) return false;
  results[what] = json_of(score, info().image_size);
  say("%-10s%s\n", what, text(score, info().image_size).c_str());
  std::fflush(stdout);
  return true;
}

// The verdict on the attack itself. Returns the exit code.
int Work::examine() {
  const Samples samples = pick_samples(data.validation, info(), 200);
  const Tensor labels = Tensor::from(samples.labels, {int64_t(samples.labels.size())}, device);
  const SelfTest test = self_test(*checkpoint.network, normalized(samples.images, info(), device),
                                  labels, interruptible(attack));
  if (interrupted()) return 130;
  const std::size_t count = samples.images.size();
  say("self-test on %zu image%s of %s, top-1: clean %.1f %%, noise of the same size %.1f %%, "
      "attacked %.1f %%, with 4x the steps %.1f %%\n",
      count, count == 1 ? "" : "s", size_text(info()).c_str(), test.clean, test.noise,
      test.attacked, test.longer);
  std::fflush(stdout);
  results["self_test"] = {{"images", count},           {"clean", test.clean},
                          {"noise", test.noise},       {"attacked", test.attacked},
                          {"longer", test.longer},     {"passed", test.ok()},
                          {"failures", test.failures}, {"warnings", test.warnings}};
  for (auto& text : test.failures)
    say_error("%s: %s\n", styled_error(Style::red, "self-test FAILED").c_str(), text.c_str());
  for (auto& text : test.warnings)
    say_error("%s: %s\n", styled_error(Style::yellow, "self-test warning").c_str(), text.c_str());
  if (!test.ok()) return 1;
  say("%s: %s%s\n", styled(Style::green, "self-test passed").c_str(),
      test.had_room ? "the loss moved the right way, and no pixel left its bounds"
                    : "eps lets no pixel change, and the loss stayed",
      test.warnings.empty() ? "" : " (see the warnings)");
  return 0;
}

int Work::run() {
  if (!print("clean", nullptr) || !print("attacked", &attack)) return 130;
  const Samples samples = pick_samples(data.validation, info(), 8);
  if (!write_attack_sheet(out, checkpoint, samples, "pgd", attack, device)) return 130;
  print_written(out, samples, info());
  results["picture"] = out;
  const int code = examine();
  if (json && code != 130) print_json(results);
  return code;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Attacks a network by projected gradient descent (PGD) and prints its accuracy on clean and "
      "on attacked images.\n\n"
      "  pgd_attack runs/demo/best.safetensors tiny --eps 8/255 --steps 10\n"
      "  pgd_attack best.safetensors DATA --eps-space normalized --eps 0.1 --step 0.01 "
      "--goal least-likely --no-random-start    (the coursework's)\n",
      "pgd_attack");
  NetworkFlags network;
  auto work = std::make_shared<Work>();
  work->out = "attack.png";
  DataFlags data;
  DeviceFlags device_flags;
  AttackFlags attack_flags;
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  network.add_checkpoint_to(app);
  network.add_to(app);
  add_whole(app, "--images", data.validation_images, {0, 1'000'000'000},
            "attack N validation images only, as many of each class; 0: all");
  app.add_option("--out", work->out, "the picture to write (PNG)")->capture_default_str();
  add_json_to(app, work->json);
  data.add_to(app, "of the attack, and of tiny's images");
  attack_flags.add_to(app);
  device_flags.add_to(app);
  parse(app, argc, argv);
  attack_flags.check();

  work->device = device_flags.open();
  work->checkpoint = network.open(app);
  CheckpointInfo& info = work->checkpoint.info;
  work->attack = attack_flags.options(info, data.seed);
  work->workers = data.workers;
  data.match(info);
  data.any_names = !network.has_names();
  check_output_file(work->out);
  work->data = open_validation(data, work->checkpoint, work->device);
  return [work] { return work->run(); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("pgd_attack", [&] { return prepare(argc, argv); });
}
