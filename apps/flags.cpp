#include "apps/flags.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "apps/numbers.h"
#include "data/layout.h"
#include "kernels/machine/printable.h"
#include "nn/trial.h"

namespace tweed::app {

void DataFlags::add_to(CLI::App& flags, const std::string& seed_of) {
  data_option_ = flags.add_option(
      "data", data,
      "tiny (built in), a MiniPlaces folder (with train.txt and val.txt), CIFAR-10 (a "
      "folder with data_batch_*.bin, or one such file), CIFAR-100 (train.bin), MNIST (idx files, "
      "maybe .gz), Oxford Pets (annotations/ and images/), or a folder of class folders "
      "(train/CLASS, val/CLASS, or CLASS alone)");
  data_option_->type_name("DATA")->capture_default_str();
  classes_option_ = flags.add_option("--classes", classes,
                                     "the first N classes, or a comma-separated list of names; "
                                     "default: all");
  size_option_ =
      add_whole(flags, "--image-size", image_size, {8, 1024},
                "pixels that the network sees; default: 128, CIFAR-10's 32, a checkpoint's own")
          ->default_str("");
  add_whole(flags, "--load-size", load_size, {8, 2048},
            "pixels to which the shorter side is resized before that many are cut out; "
            "default: 9/8 of --image-size, or CIFAR-10's 32")
      ->default_str("");
  add_whole(flags, "-j,--workers", workers, {0, 1024},
            "threads that prepare batches; 0: none of their own");
  flags.add_flag("--pack", pack,
                 "keep decoded images in a file that later runs map into memory, in "
                 "DATA/.tweed-pack; it is made again where files have changed");
  flags.add_option("--pack-folder", pack_folder, "where packs are, instead; includes --pack")
      ->type_name("FOLDER");
  add_seed(flags, seed, seed_of);
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
  if (load_size > 0 && load_size < image_size)
    throw Error("--load-size " + std::to_string(load_size) + " is less than --image-size, " +
                std::to_string(image_size));
}
void DataFlags::use(const CheckpointInfo& info) {
  image_size = info.image_size;
  load_size = info.load_size;
  // The network's classes, in its order, whatever else the data holds.
  classes.clear();
  class_names = info.classes;
}

int DataFlags::size_seen() const {
  std::string place = data;
  return image_size ? image_size : layout_of(place).image_size;
}

DataSplits DataFlags::open(Splits splits) const {
  ProgressLine line;
  DataOptions options;
  options.classes = classes;
  if (!any_names) options.class_names = class_names;
  options.limit = limit;
  options.all_validation = all_validation;
  options.validation_images = validation_images;
  options.image_size = image_size;
  options.load_size = load_size;
  options.workers = std::max(1, threads());
  options.pack = pack || !pack_folder.empty();
  options.pack_folder = pack_folder;
  options.seed = seed;
  options.cancelled = [] { return interrupted(); };
  options.progress = [&](int64_t done, int64_t total) {
    line.update(options.pack ? "Packing images" : "Reading images", done, total,
                std::to_string(done) + "/" + std::to_string(total));
  };
  DataSplits result = open_dataset(data, options, splits);
  line.clear();
  for (auto& [file, reason] : result.damaged)
    say_error("%s %s: %s\n", styled_error(Style::yellow, "skipped").c_str(),
              printable(file).c_str(), printable(reason).c_str());
  if (!result.damaged.empty()) say_error("%zu damaged image(s) skipped\n", result.damaged.size());
  for (auto& note : result.notes) say("%s\n", note.c_str());
  return result;
}

// "other classes (2) than the network (3)"
static std::string difference(std::vector<std::string> ours, std::vector<std::string> network) {
  std::sort(ours.begin(), ours.end());
  std::sort(network.begin(), network.end());
  if (ours == network) return "the network's classes in another order";
  return "other classes (" + std::to_string(ours.size()) + ") than the network (" +
         std::to_string(network.size()) + ")";
}

void DataFlags::settle_classes(CheckpointInfo& info, const Dataset& data) const {
  if (any_names && data.classes().size() == info.classes.size()) {
    say("Without --classes-file: the network's classes are taken for those of DATA, in that "
        "order\n");
    info.classes = data.classes();
  }
  if (data.classes() != info.classes)
    throw Error(printable(this->data) + " has " + difference(data.classes(), info.classes) +
                (any_names ? "; --classes-file says which these are" : ""));
}

void AttackFlags::add_to(CLI::App& flags) {
  add_read(flags, "--attack-eps,--eps", "X", "8/255",
           "largest change of a pixel value, such as 8/255",
           [this](auto& text, auto& flag) { eps = parse_fraction(text, flag); });
  add_read(flags, "--attack-step,--step", "X", "", "change in one step; default: a quarter of eps",
           [this](auto& text, auto& flag) { step = parse_fraction(text, flag, above_zero); });
  add_whole(flags, "--attack-steps,--steps", steps, {1, 100'000}, "steps of the attack");
  flags
      .add_option(
          "--eps-space", space,
          "pixel: eps in pixels of 0..1, which are kept valid; normalized: the coursework's "
          "normalised values, unbounded")
      ->check(one_of({"pixel", "normalized"}))
      ->capture_default_str();
  flags
      .add_option("--goal", goal,
                  "label: raise the loss of the true label; least-likely: lower that of the least "
                  "likely one; or the number of a class to make it say")
      ->capture_default_str();
  flags.add_flag("--no-random-start", no_random_start, "start at the image itself");
}

// A common mistake is 8 for 8/255: the attack would run and give plausible figures.
static void check_pixels(double value, const char* flag) {
  if (value <= 1) return;
  std::ostringstream message;
  message << flag << " is " << value << ", but pixels reach from 0 to 1";
  if (value <= 255) message << "; did you mean " << value << "/255?";
  throw Error(message.str());
}

void AttackFlags::check() const {
  if (space != "pixel") return;
  check_pixels(eps, "--eps");
  check_pixels(step.value_or(0), "--step");
}

PgdOptions AttackFlags::options(const CheckpointInfo& info, uint64_t seed) const {
  const double stride = step.value_or(eps / 4);
  PgdOptions options;
  options.space = space == "pixel" ? pixel_space(eps, stride, info.mean, info.std)
                                   : normalized_space(eps, stride);
  options.steps = steps;
  options.random_start = !no_random_start;
  options.seed = seed;
  if (goal == "least-likely") {
    options.goal = AttackGoal::least_likely;
  } else if (goal != "label") {
    options.goal = AttackGoal::lower_target;
    try {
      options.target = int32_t(parse_whole(goal, "--goal", {0, int64_t(info.classes.size()) - 1}));
    } catch (const Error&) {
      throw Error("--goal takes label, least-likely, or a class from 0 to " +
                  std::to_string(info.classes.size() - 1) + ", not " + in_quotes(goal, 60));
    }
  }
  return options;
}

PgdOptions interruptible(PgdOptions options) {
  options.cancelled = interrupted;
  return options;
}

Attack attack_of(const std::string& name, const PgdOptions& options, Device device) {
  return name == "pgd" ? pgd_attack(options, device) : attack_called(name)(options, device);
}

Score evaluate_shown(Module& network, const Dataset& data, EvaluateOptions options) {
  ProgressLine line;
  options.progress = [&](int64_t done, int64_t total) {
    line.update(options.attack ? "Attacking" : "Evaluating", done, total,
                std::to_string(done) + "/" + std::to_string(total));
  };
  const Score score = evaluate(network, data, options);
  line.clear();
  return score;
}

EvaluateOptions evaluation_of(const CheckpointInfo& info, int workers) {
  return {.image_size = info.image_size,
          .normalization = {info.mean, info.std},
          .workers = workers,
          .cancelled = interrupted};
}

std::string text(const Score& score, int image_size) {
  const std::string all = score.str(), side = std::to_string(image_size);
  return all.substr(0, all.size() - 1) + " of " + side + "x" + side + ")";
}

std::string text(const Score& score, const Calibration& calibration, int image_size) {
  std::string all = text(score, image_size);
  char error[60];
  std::snprintf(error, sizeof error, "  calibration error %.2f %%", calibration.error);
  return all.insert(all.rfind("  ("), error);
}

std::string given(const CLI::App& flags, const std::function<bool(const CLI::Option&)>& is_meant) {
  std::vector<std::string> names;
  for (const CLI::Option* option : flags.get_options())
    if (option->count() && is_meant(*option)) names.push_back(option->get_name());
  return joined(names);
}

void note_unused(const std::string& flags, const std::string& why) {
  if (!flags.empty())
    say_error("%s %s: no effect %s\n", styled_error(Style::yellow, "note:").c_str(), flags.c_str(),
              why.c_str());
}

int64_t check_image_size(Module& network, const CheckpointInfo& info) {
  try {
    const Tensor logits = output_for_zeros(network, {1, info.image_size, info.image_size, 3});
    return logits.ndim() == 2 ? logits.dim(1) : logits.size();
  } catch (const Error& e) {
    throw Error("this " + printable(info.model) + " cannot take images of " + size_text(info) +
                ": " + e.what());
  }
}

DataSplits open_validation(const DataFlags& data, Checkpoint& checkpoint, Device device) {
  CheckpointInfo& info = checkpoint.info;
  DataSplits splits = data.open(Splits::validation);
  data.settle_classes(info, splits.validation);
  checkpoint.network->to(device);
  info.load_size = splits.validation.image_side();
  if (info.image_size != splits.image_size) {
    info.image_size = splits.image_size;
    check_image_size(*checkpoint.network, info);
  }
  return splits;
}

std::string size_text(const CheckpointInfo& info) {
  const std::string side = std::to_string(info.image_size);
  return side + "x" + side;
}

std::string device_text(Device device) {
  if (device.kind() != Device::Kind::cpu) return device.name();
  return "cpu with " + std::to_string(threads()) + " thread" + (threads() == 1 ? "" : "s");
}

}  // namespace tweed::app
