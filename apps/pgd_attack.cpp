// Attacks a network and says how well it stands. See --help.
#include <cstdio>

#include "apps/app.h"
#include "apps/flags.h"
#include "apps/sheets.h"
#include "apps/training.h"
#include "attacks/self_test.h"

using namespace tweed;
using namespace tweed::app;

namespace {

void print(const char* what, const Score& s) {
  std::printf("%-10s top-1 %6.2f %%   top-5 %6.2f %%   loss %.4f\n", what, s.top1, s.top5, s.loss);
  std::fflush(stdout);
}

// The verdict on the attack itself. Returns the exit code.
int examine(Module& network, const Samples& samples, const CheckpointInfo& info,
            const PgdOptions& options, Device device) {
  Tensor labels = Tensor::from(samples.labels, {int64_t(samples.labels.size())}, device);
  SelfTest test = self_test(network, normalized(samples, info, device), labels, options);
  std::printf(
      "self-test on %zu images, top-1: clean %.1f %%, noise of the same size %.1f %%, attacked "
      "%.1f %%, with 4x the steps %.1f %%\n",
      samples.images.size(), test.clean, test.noise, test.attacked, test.longer);
  for (auto& text : test.failures) std::fprintf(stderr, "self-test FAILED: %s\n", text.c_str());
  for (auto& text : test.warnings) std::fprintf(stderr, "self-test warning: %s\n", text.c_str());
  if (test.ok())
    std::printf("self-test passed: the loss moved the right way, and no pixel left its bounds%s\n",
                test.warnings.empty() ? "" : " (see the warnings)");
  return test.ok() ? 0 : 1;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Attacks a network by projected gradient descent (PGD) and prints its accuracy on clean and "
      "on "
      "attacked images.\n\n"
      "  pgd_attack runs/demo/best.safetensors tiny --eps 8/255 --steps 10\n"
      "  pgd_attack best.safetensors DATA --eps-space normalized --eps 0.1 --step 0.01 "
      "--goal least-likely --no-random-start    (the coursework's)\n",
      "pgd_attack");
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  std::string file, out = "attack.png";
  int64_t images = 0;
  DataFlags data;
  DeviceFlags device_flags;
  AttackFlags attack_flags;
  app.add_option("checkpoint", file, "weights written by train_miniplaces")->required();
  data.add_to(app);
  attack_flags.add_to(app);
  device_flags.add_to(app);
  app.add_option("--images", images, "attack the first N validation images only; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--out", out, "the picture to write (PNG)")->capture_default_str();
  parse(app, argc, argv);

  Device device = device_flags.open();
  auto checkpoint = std::make_shared<Checkpoint>(load_checkpoint(file));
  const CheckpointInfo& info = checkpoint->info;
  PgdOptions options = attack_flags.options(info, data.seed);
  data.match(info);
  auto splits = std::make_shared<DataSplits>(data.open(Splits::validation));
  data.check_classes(info, splits->validation);
  make_output_folder(folder_of(out));
  checkpoint->network->to(device);
  return [=, workers = data.workers] {
    Module& network = *checkpoint->network;
    LoaderOptions loader = validation_loader(info, workers);
    print("clean",
          evaluate(network, splits->validation, loader, device, false, nullptr, images).average());
    print("attacked",
          evaluate(network, splits->validation, loader, device, false, &options, images).average());
    if (interrupted()) return 130;
    write_attack_sheet(out, *checkpoint, pick_samples(splits->validation, info, 8), options,
                       device);
    std::printf("wrote %s\n", out.c_str());
    return examine(network, pick_samples(splits->validation, info, 200), info, options, device);
  };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("pgd_attack", [&] { return prepare(argc, argv); });
}
