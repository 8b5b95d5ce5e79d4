#include "apps/flags.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <sstream>

#include "apps/numbers.h"
#include "attacks/expectation.h"
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

// The parts between commas; where one alone is meant, the text as it is.
static std::vector<std::string> items(const std::string& text, bool lists) {
  std::vector<std::string> found(1);
  for (char c : text) {
    if (c == ',' && lists)
      found.emplace_back();
    else
      found.back() += c;
  }
  return found;
}

void AttackFlags::add_sizes_to(CLI::App& flags) {
  const std::string several = lists ? "; several with commas between them give a table" : "";
  add_read(
      flags, "--attack-eps,--eps", "X", "",
      "how far images may be changed, such as 8/255; default: 8/255, in l2 0.5, in l1 12" + several,
      [this](auto& text, auto& flag) {
        eps.clear();
        eps_texts = items(text, lists);
        for (auto& item : eps_texts) eps.push_back(parse_fraction(item, flag));
      });
  add_read(flags, "--attack-step,--step", "X", "",
           "change in one step; default: a quarter of eps, more where fewer steps are to reach it",
           [this](auto& text, auto& flag) { step = parse_fraction(text, flag, above_zero); });
  add_read(
      flags, "--attack-steps,--steps", "N", "",
      "steps of the attack; default: 10, of square 1000 queries, of deepfool and cw 50, of apgd, "
      "fab, autoattack and sure 100" +
          several,
      [this](auto& text, auto& flag) {
        steps.clear();
        for (auto& item : items(text, lists))
          steps.push_back(int(parse_whole(item, flag, {1, 100'000})));
      });
}

void AttackFlags::add_to(CLI::App& flags, const std::string& momentum_name) {
  flags.add_option("--attack-method,--method", method, "the attack: " + joined(attack_names()))
      ->check(one_of(attack_names()))
      ->capture_default_str();
  add_sizes_to(flags);
  flags
      .add_option(
          "--eps-space", space,
          "pixel: eps in pixels of 0..1, which are kept valid; normalized: the coursework's "
          "normalised values, unbounded")
      ->check(one_of({"pixel", "normalized"}))
      ->capture_default_str();
  norm_option_ =
      flags
          .add_option(
              "--attack-norm,--norm", norm,
              "what eps limits of an image's change: linf, its largest value; l2, the square "
              "root of its sum of squares; l1, its sum of absolute values")
          ->check(one_of({"linf", "l2", "l1"}))
          ->capture_default_str();
  flags
      .add_option("--goal,--target", goal,
                  "label: raise the loss of the true label; or lower that of: least-likely, "
                  "second-likely (the likeliest but the true one), random, or the class of this "
                  "name or number")
      ->capture_default_str();
  flags.add_flag("--no-random-start", no_random_start, "start at the image itself");
  add_number(flags, momentum_name, momentum, at_most_one,
             "the part of earlier gradients that is added to each; of mifgsm 1 unless given");
  add_whole(flags, "--attack-restarts,--restarts", restarts, {1, 1000},
            "random starts, of which each image's best counts");
  add_whole(flags, "--attack-draws", draws, {1, 1000},
            "draws of a random small turn, shift and mirroring over which each gradient is "
            "averaged (EOT); 1: none")
      ->default_str("1");
  add_number(flags, "--attack-confidence", confidence, {},
             "how sure of a wrong class the network is to be: for sure a probability, by default "
             "0.99; for cw a lead in logits, by default 0");
  flags.add_flag("--coursework", coursework,
                 "the coursework's attack: 10 steps of 0.01 up to 0.1 in normalised values towards "
                 "the least likely class, no random start");
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
  if (coursework && (!eps.empty() || step || !steps.empty() || method != "pgd" || goal != "label" ||
                     norm != "linf"))
    throw Error(
        "--coursework says what eps, steps, goal, norm and method are: it goes without "
        "flags that do");
  if (norm_option_ && norm_option_->count() && attack_kind(method).norms == "L2" && norm != "l2")
    throw Error("attack " + method + " knows the norm L2, not " + norm);
  if (method == "fgsm" && steps.size() > 1)
    throw Error(
        "--attack-steps: fgsm takes one step, of eps, so that a table of steps says nothing");
  if (momentum > 0 && method != "pgd" && method != "ifgsm" && method != "mifgsm")
    throw Error("--attack-momentum: " + method + " has none; pgd, ifgsm and mifgsm do");
  if (draws > 1 && !attack_kind(method).draws)
    throw Error("--attack-draws: " + method + " knows none; pgd and the fgsm family do");
  if (restarts > 1 && no_random_start)
    throw Error("--attack-restarts " + std::to_string(restarts) +
                " are all alike with --no-random-start");
  if (method == "sure" && confidence.value_or(0) > 1)
    throw Error("--attack-confidence of sure is a probability, not above 1");
  if (space != "pixel" || norm != "linf") return;
  for (double each : eps) check_pixels(each, "--eps");
  check_pixels(step.value_or(0), "--step");
}

double AttackFlags::last_eps() const {
  if (!eps.empty()) return eps.back();
  return coursework ? 0.1 : norm == "linf" ? 8 / 255. : norm == "l2" ? 0.5 : 12;
}
int AttackFlags::last_steps() const {
  if (!steps.empty()) return steps.back();
  return coursework ? 10 : attack_kind(method).steps;
}

void AttackFlags::read_goal(PgdOptions& options, const CheckpointInfo& info) const {
  const std::map<std::string, AttackGoal> goals{
      {"label", AttackGoal::raise_label},    {"least-likely", AttackGoal::least_likely},
      {"least", AttackGoal::least_likely},   {"second-likely", AttackGoal::second_likely},
      {"second", AttackGoal::second_likely}, {"random", AttackGoal::random_target}};
  if (const auto known = goals.find(goal); known != goals.end()) {
    options.goal = known->second;
    return;
  }
  options.goal = AttackGoal::lower_target;
  const auto named = std::find(info.classes.begin(), info.classes.end(), goal);
  if (named != info.classes.end()) {
    options.target = int32_t(named - info.classes.begin());
    return;
  }
  try {
    options.target = int32_t(parse_whole(goal, "--goal", {0, int64_t(info.classes.size()) - 1}));
  } catch (const Error&) {
    throw Error(
        "--goal takes label, least-likely, second-likely, random, or a class by its name or "
        "its number from 0 to " +
        std::to_string(info.classes.size() - 1) + ", not " + in_quotes(goal, 60));
  }
}

PgdOptions AttackFlags::options(const CheckpointInfo& info, uint64_t seed, double radius,
                                int count) const {
  const std::map<std::string, Norm> norms{{"linf", Norm::linf}, {"l2", Norm::l2}, {"l1", Norm::l1}};
  if (const auto least = std::size_t(attack_kind(method).classes); info.classes.size() < least)
    throw Error("attack " + method + " needs " + std::to_string(least) + " classes, not " +
                std::to_string(info.classes.size()));
  const Norm how = attack_kind(method).norms == "L2" ? Norm::l2 : norms.at(norm);
  const double values = 3. * info.image_size * info.image_size;
  const double largest = how == Norm::linf ? 1 : how == Norm::l2 ? std::sqrt(values) : values;
  if (space == "pixel" && radius > largest)
    throw Error("--eps is " + formatted("%.4g", radius) + ", but no two images of " +
                size_text(info) + " are further apart than " + formatted("%.4g", largest) + " in " +
                name_of(how));
  const double stride =
      coursework ? 0.01 : step.value_or(radius * std::max(attack_kind(method).stride, 1. / count));
  PgdOptions options;
  options.space = space == "pixel" && !coursework
                      ? pixel_space(radius, stride, info.mean, info.std, how)
                      : normalized_space(radius, stride, how);
  options.steps = count;
  options.random_start = !no_random_start && !coursework;
  options.seed = seed;
  options.momentum = momentum;
  options.restarts = restarts;
  options.draws = draws;
  if (draws > 1) options.transform = random_view(seed);
  if (confidence) options.confidence = *confidence;
  read_goal(options, info);
  if (coursework) options.goal = AttackGoal::least_likely;
  return settled(method, options);
}
PgdOptions AttackFlags::options(const CheckpointInfo& info, uint64_t seed) const {
  return options(info, seed, last_eps(), last_steps());
}

PgdOptions interruptible(PgdOptions options) {
  options.cancelled = interrupted;
  return options;
}

Attack attack_of(const std::string& name, const PgdOptions& options, Device device) {
  return attack_for_evaluation(name, options, device);
}

static std::string goal_text(const PgdOptions& options, const CheckpointInfo& info) {
  switch (options.goal) {
    case AttackGoal::raise_label:
      return "away from the label";
    case AttackGoal::least_likely:
      return "towards the least likely class";
    case AttackGoal::second_likely:
      return "towards the likeliest other class";
    case AttackGoal::random_target:
      return "towards a random class";
    case AttackGoal::lower_target:
      break;
  }
  return "towards " + printable(info.classes[std::size_t(options.target)], 40);
}

// "8/255" where it is that, or a number.
static std::string size_in(const AttackSpace& space, double size) {
  if (space.norm != Norm::linf || !keeps_pixels(space)) return formatted("%.4g", size);
  char text[30];
  std::snprintf(text, sizeof text, "%.4g/255", 255 * size);
  return text;
}

std::string attack_text(const std::string& name, const PgdOptions& options,
                        const CheckpointInfo& info) {
  const AttackKind& kind = attack_kind(name);
  const AttackSpace& space = options.space;
  std::string text = kind.title + " " + goal_text(options, info) + ", " + name_of(space.norm);
  if (kind.bounded) text += " " + size_in(space, space.radius);
  if (!keeps_pixels(space)) text += " (normalised)";
  text += ", " + counted(options.steps, "step");
  if (kind.bounded && kind.recordable) text += " of " + size_in(space, space.stride);
  if (options.momentum > 0) text += ", momentum " + formatted("%.4g", options.momentum);
  if (options.restarts > 1) text += ", " + counted(options.restarts, "start");
  if (options.draws > 1) text += ", " + counted(options.draws, "draw");
  return text;
}

std::string spaces_text(const PgdOptions& options, const CheckpointInfo& info) {
  char text[200];
  const double eps = options.space.radius;
  const auto& std = info.std;
  const bool pixels = keeps_pixels(options.space);
  // eps is the same in all channels where it was given; in the other space there are three.
  auto one = [&](std::size_t c) { return pixels ? eps / double(std[c]) : eps * double(std[c]); };
  std::snprintf(text, sizeof text, "up to %.4g %s: red %.4g, green %.4g, blue %.4g %s", eps,
                pixels ? "in pixels of 0..1" : "in normalised values", one(0), one(1), one(2),
                pixels ? "in normalised values" : "in pixels of 0..1");
  return text;
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
