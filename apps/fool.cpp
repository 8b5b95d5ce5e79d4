// Makes images that a network takes for what one wants. See --help.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "apps/app.h"
#include "apps/drawings/fooled.h"
#include "apps/drawings/photos.h"
#include "apps/flags.h"
#include "apps/network_flags.h"
#include "apps/numbers.h"
#include "kernels/machine/printable.h"

using namespace tweed;
using namespace tweed::app;

namespace {

constexpr std::size_t at_once = 16;  // images in one batch

struct Flags {
  std::vector<std::string> inputs;
  NetworkFlags network;
  std::string target = "second", out = "fool.png", save, transfer, transfer_model;
  std::optional<double> eps, lambda;
  double step = 1 / 255., until = 1;
  int steps = 100, per_class = 0;
  bool sign = false, with_changes = false, json = false;
  CLI::Option* step_option = nullptr;
  DataFlags data;
  DeviceFlags device;
};

// What is asked, and what is known so far.
struct Work {
  Checkpoint checkpoint;
  Device device;
  Flags flags;
  FoolOptions options;
  std::optional<Checkpoint> other;  // of --transfer
  std::optional<Photos> photos;     // else images of `data`
  DataSplits data;
  int64_t taken = 0;
  std::vector<FooledImage> fooled = {};

  int run();
  Samples next();
  std::vector<int32_t> targets_of(const Samples& samples) const;
  void show(const FooledImage& image) const;
  void save(const FooledImage& image, std::size_t number) const;
  Json try_other() const;
};

// A number, or a name.
int32_t class_called(const std::string& wanted, const std::vector<std::string>& classes) {
  for (std::size_t i = 0; i < classes.size(); ++i)
    if (classes[i] == wanted) return int32_t(i);
  try {
    return int32_t(parse_whole(wanted, "--target", {0, int64_t(classes.size()) - 1}));
  } catch (const Error&) {
    throw Error("--target takes second, least, or a class of the network by name or number, 0 to " +
                std::to_string(classes.size() - 1) + ", not " + in_quotes(wanted, 60));
  }
}

// The network's own second or last choice, or what --target names. An image that shows what it is
// to be taken for gets the second choice.
std::vector<int32_t> Work::targets_of(const Samples& samples) const {
  NoGrad no_grad;
  const auto& classes = checkpoint.info.classes;
  const Tensor logits = (*checkpoint.network)(normalized(samples.images, checkpoint.info, device));
  std::vector<int32_t> targets;
  for (std::size_t i = 0; auto& answers : top_classes(logits, classes, int64_t(classes.size()))) {
    const int64_t truth = samples.labels[i] >= 0 ? samples.labels[i] : answers[0].label;
    const auto wrong = std::find_if(answers.begin(), answers.end(),
                                    [&](const Answer& a) { return a.label != truth; });
    int64_t target = wrong->label;
    if (flags.target == "least") target = answers.back().label;
    if (flags.target != "least" && flags.target != "second")
      target = class_called(flags.target, classes);
    targets.push_back(int32_t(target == truth ? wrong->label : target));
    ++i;
  }
  return targets;
}

Samples Work::next() {
  if (photos) return photos->next(at_once);
  const int64_t all = int64_t(checkpoint.info.classes.size()) * flags.per_class;
  Samples samples = pick_samples(data.validation, checkpoint.info,
                                 std::min(all - taken, int64_t(at_once)), taken);
  taken += int64_t(samples.images.size());
  return samples;
}

void Work::show(const FooledImage& image) const {
  say("%s\n", text(image).c_str());
  if (image.after.answer.label != image.target)
    say("  not fooled: %s is at %.2f\n",
        printable(checkpoint.info.classes[std::size_t(image.target)]).c_str(), image.after.target);
  for (std::size_t i = 0; i < image.changed.size(); ++i) {
    const Judged& judged = image.changed[i];
    say("  %-22s %s %.2f, target %.2f\n", changes()[i].name.c_str(),
        printable(judged.answer.name).c_str(), judged.answer.probability, judged.target);
  }
  std::fflush(stdout);
}

// "fooled/03-val-beach-17.png": what is given to another network must have the very pixels.
void Work::save(const FooledImage& image, std::size_t number) const {
  char start[16];
  std::snprintf(start, sizeof start, "%02zu-", number);
  std::string stem = std::filesystem::path(image.name).replace_extension().string();
  std::replace(stem.begin(), stem.end(), '/', '-');
  write_png(flags.save + "/" + start + stem + ".png", image.after.image, false);
}

Json Work::try_other() const {
  Json rows = Json::array();
  say("\n%-24s %10s %10s %10s\n", "network", "original", "fooled", "as target");
  for (const Checkpoint* network : {&checkpoint, &*other}) {
    const Transfer t = transfer_to(*network, fooled, device);
    say("%-24s %8.1f %% %8.1f %% %8.1f %%\n", printable(t.network).c_str(), t.before, t.after,
        t.target);
    rows.push_back({{"network", t.network},
                    {"original", t.before},
                    {"fooled", t.after},
                    {"as_target", t.target}});
  }
  return rows;
}

int Work::run() {
  Json described = Json::array();
  for (Samples batch; !(batch = next()).images.empty();) {
    for (auto& image :
         fool_samples(checkpoint, batch, targets_of(batch), options, flags.with_changes, device)) {
      if (!flags.save.empty()) save(image, fooled.size() + 1);
      show(image);
      described.push_back(json_of(image));
      fooled.push_back(std::move(image));
    }
    if (interrupted()) return 130;
  }
  if (interrupted()) return 130;
  if (fooled.empty()) return photos ? photos->code() : 2;
  const auto made = std::count_if(fooled.begin(), fooled.end(), [](const FooledImage& image) {
    return image.after.answer.label == image.target;
  });
  const auto anyway = std::count_if(fooled.begin(), fooled.end(), [](const FooledImage& image) {
    return image.before.answer.label == image.target;
  });
  const std::string before = anyway ? " (" + std::to_string(anyway) + " of them before)" : "";
  say("%td of %zu taken for what they were to be taken for%s\n", made, fooled.size(),
      before.c_str());
  Json all{{"model", checkpoint.info.model}, {"picture", flags.out}, {"images", described}};
  if (other) all["networks"] = try_other();
  write_sheet(flags.out, fooled_sheet(fooled, checkpoint.info, !photos && !flags.with_changes));
  say("wrote %s\n", printable(flags.out).c_str());
  if (photos) all["skipped"] = json_of(photos->skipped());
  if (flags.json) print_json(all);
  return photos ? photos->code() : 0;
}

void add_flags(CLI::App& app, Flags& f) {
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("inputs", f.inputs,
                 "image files and folders of them; with --per-class, data as for train_miniplaces")
      ->type_name("PHOTO|DATA")
      ->required()
      ->take_all();
  app.add_option("--weights", f.network.weights,
                 "the network to be fooled: a checkpoint of ours, a run's folder, or with --model "
                 "other safetensors and PyTorch's .pth")
      ->required();
  f.network.add_to(app);
  f.network.add_sizes_to(app);
  app.add_option("--target", f.target,
                 "what images shall be taken for: a class by name or number, second (the "
                 "likeliest class but the true one), or least (its last)")
      ->capture_default_str();
  const auto pixels = [](const std::string& text, const std::string& flag) {
    return parse_fraction(text, flag, {.most = 1, .above = true});
  };
  add_read(app, "--eps", "X", "", "largest change of a pixel; default: 8/255, with --sign any",
           [&f, pixels](auto& text, auto& flag) { f.eps = pixels(text, flag); });
  f.step_option = add_read(app, "--step", "X", "1/255",
                           "change of a pixel in one step, or of the one that changes most",
                           [&f, pixels](auto& text, auto& flag) { f.step = pixels(text, flag); });
  add_whole(app, "--steps", f.steps, {1, 100'000}, "steps at most");
  add_number(
      app, "--lambda", f.lambda, above_zero,
      "adds so many times dP/dX in each step, whatever size that has, with pixels from 0 to 1");
  app.add_flag("--sign", f.sign, "changes every pixel in each step, by the gradient's sign");
  add_number(app, "--until", f.until, {.most = 1, .above = true},
             "ends where the target is as probable; 1: after all steps, with the best of them");
  add_whole(app, "--per-class", f.per_class, {0, 1000},
            "takes so many validation images of each class of DATA");
  app.add_flag("--transforms", f.with_changes,
               "shows what the network says where the result is mirrored, cut to 80 %, turned by "
               "30 degrees, or grey");
  app.add_option("--transfer", f.transfer,
                 "weights of another network, to see whether it is fooled, too")
      ->type_name("WEIGHTS");
  app.add_option("--transfer-model", f.transfer_model, "the --model of --transfer")
      ->type_name("NAME");
  app.add_option("--save", f.save,
                 "writes the results as PNG files, too, of the size that the network sees")
      ->type_name("FOLDER");
  app.add_option("--out", f.out, "the picture to write (PNG)")->capture_default_str();
  add_json_to(app, f.json);
  f.device.add_to(app);
}

void check_use(const Flags& f) {
  if (f.lambda && f.step_option->count())
    throw Error("--step has no effect with --lambda, which says how far steps go");
  if (f.sign && f.lambda) throw Error("--sign and --lambda are two ways to go; give one");
  if (f.per_class && f.inputs.size() > 1) throw Error("--per-class takes one DATA");
  if (!f.transfer_model.empty() && f.transfer.empty())
    throw Error("--transfer-model says what the weights of --transfer are for; there are none");
}

FoolOptions options_of(const Flags& f, const CheckpointInfo& info) {
  const double eps = f.eps.value_or(f.sign ? 1 : 8 / 255.);
  return {.space = pixel_space(eps, f.step, info.mean, info.std),
          .sign = f.sign,
          .lambda = f.lambda,
          .steps = f.steps,
          .until = f.until,
          .eight_bits = true,
          .cancelled = interrupted};
}

// The network that is not fooled by intent. It must have the same classes.
Checkpoint open_other(const Flags& f, const CLI::App& app, const CheckpointInfo& info) {
  NetworkFlags network;
  network.weights = f.transfer;
  network.model = f.transfer_model;
  if (network.foreign()) network.classes_file = f.network.classes_file;
  const Checkpoint other = network.open(app);
  if (other.info.classes.size() != info.classes.size())
    throw Error("the network of --transfer tells " + std::to_string(other.info.classes.size()) +
                " classes apart, the other " + std::to_string(info.classes.size()));
  return other;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Makes images that a network takes for what one wants, by small changes that raise that "
      "class's probability.\n\n"
      "  fool beach.jpg --weights runs/demo --target coast --transforms\n"
      "  fool tiny --per-class 2 --weights runs/demo --sign --until 0.99\n"
      "  fool peppers.png --model squeezenet1_0_caffe --weights squeezenet.safetensors --target "
      "812\n",
      "fool");
  Flags f;
  add_flags(app, f);
  parse(app, argc, argv);
  check_use(f);
  Device device = f.device.open();
  auto work = std::make_shared<Work>(Work{f.network.open(app), device, f});
  Checkpoint& checkpoint = work->checkpoint;
  CheckpointInfo& info = checkpoint.info;
  work->options = options_of(f, info);
  if (f.target != "second" && f.target != "least") class_called(f.target, info.classes);
  check_output_file(f.out);
  if (!f.save.empty()) make_output_folder(f.save);
  if (f.per_class) {
    f.data.data = f.inputs[0];
    f.data.use(info);
    f.data.any_names = !f.network.has_names();
    work->data = f.data.open(Splits::validation);
    f.data.settle_classes(info, work->data.validation);
  } else {
    work->photos.emplace(f.inputs, info, f.network.squash);
  }
  checkpoint.network->to(device);
  if (f.network.crop || f.network.foreign()) check_image_size(*checkpoint.network, info);
  if (!f.transfer.empty()) {
    work->other = open_other(f, app, info);
    work->other->network->to(device);
  }
  return [work] { return work->run(); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("fool", [&] { return prepare(argc, argv); });
}
