#include "apps/flags.h"

#include <algorithm>
#include <cstdio>

namespace tweed::app {

void DataFlags::add_to(CLI::App& flags) {
  flags
      .add_option("data", data,
                  "tiny (built in), a MiniPlaces folder (with train.txt and val.txt), CIFAR-10 (a "
                  "folder with data_batch_*.bin, or one such file), or a folder of class folders "
                  "(train/CLASS, val/CLASS, or CLASS alone)")
      ->type_name("DATA")
      ->capture_default_str();
  classes_option_ = flags.add_option("--classes", classes,
                                     "the first N classes, or a comma-separated list of names; "
                                     "default: all");
  flags.add_option("--limit", limit, "training images a class; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  size_option_ = flags
                     .add_option("--image-size", image_size,
                                 "pixels that the network sees; default: 128, CIFAR-10's 32")
                     ->check(CLI::Range(8, 1024));
  flags
      .add_option("--load-size", load_size,
                  "pixels to which the shorter side is resized before that many are cut out; "
                  "default: 9/8 of --image-size, or CIFAR-10's 32")
      ->check(CLI::Range(8, 2048));
  flags.add_option("-j,--workers", workers, "threads that prepare batches; 0: none of their own")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  flags.add_option("--seed", seed, "of weights, order, augmentation and attacks")
      ->capture_default_str();
}

void DataFlags::match(const CheckpointInfo& info) {
  const auto [given_size, given_load_size, given_classes] =
      std::tuple(image_size, load_size, classes);
  use(info);
  if (size_option_->count()) image_size = given_size;
  if (size_option_->count() || given_load_size) load_size = given_load_size;
  if (classes_option_->count()) {
    classes = given_classes;
    class_names.clear();
  }
}
void DataFlags::use(const CheckpointInfo& info) {
  image_size = info.image_size;
  load_size = info.load_size;
  // The network's classes, in its order, whatever else the data holds.
  classes.clear();
  class_names = info.classes;
}

DataSplits DataFlags::open(Splits splits) const {
  ProgressLine line;
  DataOptions options;
  options.classes = classes;
  options.class_names = class_names;
  options.limit = limit;
  options.image_size = image_size;
  options.load_size = load_size;
  options.workers = std::max(1, threads());
  options.seed = seed;
  options.cancelled = [] { return interrupted(); };
  options.progress = [&](int64_t done, int64_t total) {
    constexpr int width = 30;
    int filled = int(double(width) * double(done) / double(std::max<int64_t>(1, total)));
    char text[120];
    std::snprintf(text, sizeof text, "Reading images [%s%s] %ld/%ld",
                  std::string(std::size_t(filled), '#').c_str(),
                  std::string(std::size_t(width - filled), '.').c_str(), long(done), long(total));
    line.update(text, false);
  };
  DataSplits result = open_dataset(data, options, splits);
  line.clear();
  for (auto& [file, reason] : result.damaged)
    std::fprintf(stderr, "skipped %s: %s\n", printable(file).c_str(), reason.c_str());
  if (!result.damaged.empty())
    std::fprintf(stderr, "%zu damaged image(s) skipped\n", result.damaged.size());
  for (auto& note : result.notes) std::printf("%s\n", note.c_str());
  if (!result.note.empty()) std::printf("%s\n", result.note.c_str());
  return result;
}

void DataFlags::check_classes(const CheckpointInfo& info, const Dataset& data) const {
  if (data.classes() != info.classes)
    throw Error(printable(this->data) + " has " + std::to_string(data.classes().size()) +
                " classes that are not the " + std::to_string(info.classes.size()) +
                " of the network");
}

void AttackFlags::add_to(CLI::App& flags) {
  flags.add_option("--attack-eps,--eps", eps, "largest change of a pixel value, such as 8/255")
      ->capture_default_str();
  flags.add_option("--attack-step,--step", step, "change in one step; default: a quarter of eps");
  flags.add_option("--attack-steps,--steps", steps, "steps of the attack")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  flags
      .add_option(
          "--eps-space", space,
          "pixel: eps in pixels of 0..1, which are kept valid; normalized: the coursework's "
          "normalised values, unbounded")
      ->check(CLI::IsMember({"pixel", "normalized"}))
      ->capture_default_str();
  flags
      .add_option("--goal", goal,
                  "label: raise the loss of the true label; least-likely: lower that of the least "
                  "likely one; or the number of a class to make it say")
      ->capture_default_str();
  flags.add_flag("--no-random-start", no_random_start, "start at the image itself");
}

PgdOptions AttackFlags::options(const CheckpointInfo& info, uint64_t seed) const {
  double size = parse_fraction(eps, "--attack-eps");
  double stride = step.empty() ? size / 4 : parse_fraction(step, "--attack-step");
  PgdOptions options;
  options.space = space == "pixel" ? pixel_space(size, stride, info.mean, info.std)
                                   : normalized_space(size, stride);
  options.steps = steps;
  options.random_start = !no_random_start;
  options.seed = seed;
  if (goal == "least-likely") {
    options.goal = AttackGoal::least_likely;
  } else if (goal != "label") {
    bool number = !goal.empty() && goal.size() < 9 &&
                  goal.find_first_not_of("0123456789") == std::string::npos;
    if (!number || std::stoul(goal) >= info.classes.size())
      throw Error("--goal takes label, least-likely, or a class from 0 to " +
                  std::to_string(info.classes.size() - 1) + ", not '" + goal + "'");
    options.goal = AttackGoal::lower_target;
    options.target = std::stoi(goal);
  }
  return options;
}

LoaderOptions validation_loader(const CheckpointInfo& info, int workers) {
  return {.batch_size = 100,
          .image_size = info.image_size,
          .training = false,
          .workers = workers,
          .normalization = {info.mean, info.std}};
}

std::string device_text(Device device) {
  if (device.kind() != Device::Kind::cpu) return device.name();
  return "cpu with " + std::to_string(threads()) + " thread" + (threads() == 1 ? "" : "s");
}

}  // namespace tweed::app
