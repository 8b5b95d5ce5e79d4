// Trains a network to recognise scenes, and evaluates one. See --help.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <sstream>

#include "apps/app.h"
#include "apps/flags.h"
#include "apps/sheets.h"
#include "apps/training.h"
#include "autograd/conv.h"
#include "nn/freeze.h"
#include "nn/models/sequential.h"
#include "nn/summary.h"

using namespace tweed;
using namespace tweed::app;

namespace {

struct Flags {
  DataFlags data;
  DeviceFlags device;
  TrainingOptions training;
  AttackFlags attack;
  std::string model = "simplenet", resume, conv = "auto", adversarial;
  std::string augment = "mirror,crop", normalize = "imagenet", validation;
  std::string precision = "f32", images_on = "auto", out = "runs/train";
  bool overwrite = false, evaluate = false, attacked = false, pictures = false, custom_conv = false,
       summary = false;
  std::vector<CLI::Option*> model_options;  // --model and its shorthands
  CLI::Option* out_option = nullptr;

  bool model_given() const {
    return std::any_of(model_options.begin(), model_options.end(),
                       [](CLI::Option* o) { return o->count() > 0; });
  }
};

void add_flags(CLI::App& app, Flags& f) {
  f.data.add_to(app);
  f.device.add_to(app);
  TrainingOptions& t = f.training;
  f.model_options = {app.add_option("--model", f.model,
                                    "the network: " + joined(model_names()) +
                                        ", or a JSON file that describes one (docs/models.md)")
                         ->capture_default_str()};
  auto shorthand = [&](const char* flag, const char* model) {
    auto option = app.add_flag_callback(
        flag, [&f, model] { f.model = model; },
        std::string("the coursework's name for --model ") + model);
    for (auto other : f.model_options) option->excludes(other);
    f.model_options.push_back(option);
  };
  shorthand("--use-vit", "simplevit");
  shorthand("--use-resnet18", "resnet18");
  app.add_flag("--summary", f.summary,
               "only print a table of the network's layers, for one image of DATA's size");
  app.add_option("--epochs", t.epochs, "times through the training images")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--iterations", t.iterations, "steps, instead of whole epochs; 0: --epochs counts")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option(
         "--augment", f.augment,
         "what happens to training images at random: none, or some of mirror, crop, and pad "
         "(crop from the image with an eighth of its size of zeros around it)")
      ->capture_default_str();
  app.add_option("--normalize", f.normalize,
                 "of pixels in 0..1: imagenet (its mean and deviation), data (those of the "
                 "training images), none")
      ->check(CLI::IsMember({"imagenet", "data", "none"}))
      ->capture_default_str();
  app.add_option("--validation", f.validation,
                 "validation images from elsewhere, instead of DATA's; same classes")
      ->type_name("DATA");
  app.add_option("-b,--batch-size", t.batch_size, "images a step")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  t.optimizer.add_to(app);
  app.add_option("-p,--print-freq", t.print_every,
                 "iterations between progress lines, if stdout "
                 "is no terminal; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  f.out_option = app.add_option("--out", f.out,
                                "folder for what the run leaves behind; default: runs/train, or "
                                "the next free of runs/train-2, runs/train-3, ...; with --resume, "
                                "the folder of the run that goes on");
  app.add_flag("--overwrite", f.overwrite, "replace the run that --out holds");
  app.add_option("--resume", f.resume,
                 "a run's last.safetensors: training goes on where the state file beside it ended, "
                 "with the flags of that run (data, rate, schedule, epochs, ...) where none are "
                 "given here; with --evaluate, the checkpoint whose weights are used");
  app.add_option(
         "--conv", f.conv,
         "how convolutions are computed: auto (chosen for each shape), naive (a thread a "
         "result), im2col (as the text explains it), implicit (im2col's tiles in shared "
         "memory), mma (implicit on tensor cores, f32 as TF32), direct (oneDNN), winograd "
         "(oneDNN's, where it has it, else direct), tiled (a register tile of ours); naive, "
         "implicit and mma on cuda and sim, direct, winograd and tiled on cpu")
      ->capture_default_str();
  app.add_option(
         "--precision", f.precision,
         "what layers compute in: f32; tf32 (cuda only); bf16, with float32 master weights, "
         "norms, softmax and losses adding up in float32")
      ->check(CLI::IsMember({"f32", "tf32", "bf16"}))
      ->capture_default_str();
  app.add_option(
         "--images-on", f.images_on,
         "where training images wait: device (all of them, cut and normalised by a kernel), "
         "host (prepared by --workers, sent one batch ahead), auto (device on a GPU if they "
         "fit); the batches are the same")
      ->check(CLI::IsMember({"auto", "device", "host"}))
      ->capture_default_str();
  app.add_flag("--graph,!--no-graph", t.record_steps,
               "on cuda and sim: record a training step and replay it (a CUDA graph), which gives "
               "the same bits; the default");
  app.add_flag("--use-custom-conv", f.custom_conv, "the coursework's name for --conv im2col");
  app.add_flag(
      "-e,--evaluate", f.evaluate,
      "only evaluate --resume on the validation images, averaging the logits of each image "
      "and its mirror image");
  app.add_flag("-a,--attack", f.attacked,
               "with --evaluate: evaluate under the attack given by the --attack flags, too");
  app.add_flag(
      "-v,--vis", f.pictures,
      "with --evaluate: draw saliency maps, and attacked images if there is -a, into --out");
  app.add_option("--adversarial", f.adversarial, "train on attacked images: pgd")
      ->check(CLI::IsMember({"pgd"}));
  f.attack.add_to(app);
}

Augmentation parse_augmentation(const std::string& text, int image_size) {
  Augmentation result{.mirror = false, .crop = false};
  std::istringstream names(text);
  for (std::string name; std::getline(names, name, ',');) {
    if (name == "mirror")
      result.mirror = true;
    else if (name == "crop" || name == "pad")
      result.crop = true;
    else if (name != "none" || text != "none")
      throw Error("--augment takes none, or some of mirror, crop and pad, not '" + text + "'");
    if (name == "pad") result.pad = image_size / 8;
  }
  return result;
}

CheckpointInfo info_for(const Flags& f, const DataSplits& data) {
  CheckpointInfo info;
  info.classes = data.train.classes();
  info.image_size = data.image_size;
  info.load_size = data.train.image_side();
  Normalization n;
  if (f.normalize == "none") n = {{0, 0, 0}, {1, 1, 1}};
  if (f.normalize == "data") n = data.train.normalization();
  info.mean = n.mean;
  info.std = n.std;
  return info;
}

// Validation images from elsewhere take the place of DATA's.
DataSplits open_both(const Flags& f) {
  if (f.validation.empty()) return f.data.open(Splits::both);
  DataSplits data = f.data.open(Splits::train);
  DataFlags other = f.data;
  other.data = f.validation;
  other.image_size = data.image_size;
  other.load_size = data.train.image_side();
  data.validation = other.open(Splits::validation).validation;
  if (data.validation.classes() != data.train.classes())
    throw Error("the classes of --validation " + f.validation + " are not those of " + f.data.data);
  return data;
}

std::string name_of(const std::string& model) {
  return std::filesystem::path(model).filename().string();
}

// A --model or its shorthand beside --resume has to be what the checkpoint holds.
void check_model(const Flags& f, const CheckpointInfo& resumed) {
  if (!f.model_given()) return;
  if (name_of(f.model) != resumed.model)
    throw Error("--resume holds a " + resumed.model + ", but --model says " + f.model);
  if (model_description(f.model) != resumed.description)
    throw Error("--resume holds another network than " + f.model + " describes now");
}

std::function<int()> prepare_summary(Flags& f) {
  ModulePtr network;
  if (!f.resume.empty()) {
    Checkpoint from = load_checkpoint(f.resume);
    f.data.match(from.info);
    network = from.network;
  } else {
    make_model(f.model, {});
    f.data.limit = 1;  // DATA says how many classes there are, and which size
    const DataSplits data = f.data.open(Splits::train);
    f.data.image_size = data.image_size;
    network = make_model(f.model, {.classes = int64_t(data.train.classes().size())});
  }
  return [network, size = f.data.image_size] {
    std::printf("%s", summary(*network, {1, size, size, 3}).c_str());
    return 0;
  };
}

std::function<int()> prepare_evaluation(Flags& f, Device device) {
  auto checkpoint = std::make_shared<Checkpoint>(load_checkpoint(f.resume));
  if (f.out_option->count() == 0) f.out = folder_of(f.resume);
  if (f.pictures) make_output_folder(f.out);
  f.data.match(checkpoint->info);
  auto data = std::make_shared<DataSplits>(f.data.open(Splits::validation));
  f.data.check_classes(checkpoint->info, data->validation);
  checkpoint->network->to(device);
  auto attack = f.attack.options(checkpoint->info, f.data.seed);
  return [=, out = f.out, workers = f.data.workers, attacked = f.attacked, pictures = f.pictures] {
    Module& network = *checkpoint->network;
    LoaderOptions options = validation_loader(checkpoint->info, workers);
    auto print = [&](const char* what, const Score& score) {
      std::printf("%-28s top-1 %.2f %%  top-5 %.2f %%  loss %.4f  (%ld images)\n", what, score.top1,
                  score.top5, score.loss, long(score.count));
    };
    print("image and mirror image:",
          app::evaluate(network, data->validation, options, device, true).average());
    if (attacked && !interrupted())
      print("attacked:",
            app::evaluate(network, data->validation, options, device, false, &attack).average());
    if (pictures && !interrupted()) {
      auto samples = pick_samples(data->validation, checkpoint->info, 10);
      write_saliency_sheet(out + "/saliency.png", *checkpoint, samples, device);
      std::printf("wrote %s/saliency.png\n", out.c_str());
      if (attacked) {
        write_attack_sheet(out + "/attack.png", *checkpoint, samples, attack, device);
        std::printf("wrote %s/attack.png\n", out.c_str());
      }
    }
    return interrupted() ? 130 : 0;
  };
}

// What the run takes from its flags as they are.
void fill_options(Flags& f, const CheckpointInfo& info, Device device) {
  TrainingOptions& t = f.training;
  t.seed = f.data.seed;
  t.workers = f.data.workers;
  const std::map<std::string, Residence> residences{
      {"auto", Residence::automatic}, {"device", Residence::device}, {"host", Residence::host}};
  t.residence = residences.at(f.images_on);
  if (f.precision == "bf16") t.compute = DType::bfloat16;
  set_tf32(device, f.precision == "tf32");
  t.augmentation = parse_augmentation(f.augment, info.image_size);
  if (!f.adversarial.empty()) t.adversarial = f.attack.options(info, f.data.seed);
}

// What a run says before its first step.
void announce(const Flags& f, const DataSplits& data, const CheckpointInfo& info,
              const Module& network, Device device) {
  std::printf(
      "%s: %ld parameters, %zu classes, %ld training and %ld validation images of %dx%d, on %s\n",
      info.model.c_str(), long(network.parameter_count()), info.classes.size(),
      long(data.train.size()), long(data.validation.size()), info.image_size, info.image_size,
      device_text(device).c_str());
  const std::string& folder = f.training.folder->path();
  const bool moved = f.resume.empty() && f.out_option->count() == 0 && folder != f.out;
  std::printf("Files go to %s%s\n", folder.c_str(),
              moved ? (": " + f.out + " holds another run").c_str() : "");
}

// @param saved  the run that goes on; null for a new one
std::function<int()> prepare_training(Flags& f, const SavedRun* saved, Device device) {
  if (f.attacked || f.pictures)
    throw Error(
        "-a and -v belong to --evaluate; to train on attacked images use --adversarial pgd");
  ModulePtr network;
  TrainingOptions& t = f.training;
  t.optimizer.check(t.batch_size);
  if (saved) {
    check_model(f, saved->checkpoint.info);
    f.data.match(saved->checkpoint.info);
    network = saved->checkpoint.network;
  } else {
    make_model(f.model, {});  // a wrong name should not wait for the images
  }
  t.folder = open_run_folder({.out = f.out,
                              .given = f.out_option->count() > 0,
                              .overwrite = f.overwrite,
                              .resumed = saved ? saved->folder : ""});
  auto data = std::make_shared<DataSplits>(open_both(f));
  CheckpointInfo info = info_for(f, *data);
  info.model = saved ? saved->checkpoint.info.model : name_of(f.model);
  info.description = saved ? saved->checkpoint.info.description : model_description(f.model);
  if (saved) {
    info.mean = saved->checkpoint.info.mean;
    info.std = saved->checkpoint.info.std;
  }
  fill_options(f, info, device);
  if (!network)
    network = make_model(
        f.model,
        {.classes = int64_t(info.classes.size()), .seed = t.seed, .image_size = info.image_size});
  network->to(device);
  for (auto& pattern : t.optimizer.freeze) freeze(*network, pattern);
  auto training =
      std::make_shared<Training>(t, info, network, device, data->train, data->validation);
  if (saved) training->resume(*saved);
  announce(f, *data, info, *network, device);
  if (saved && !training->done()) {
    const std::string other = differences(t.flags, saved->flags);
    std::printf("Going on in %s with the flags of before%s%s\n", training->start().c_str(),
                other.empty() ? "" : ", but ", other.c_str());
  }
  std::fflush(stdout);
  return [=] { return data ? training->run() : 1; };
}

// The command line, and what it means.
struct CommandLine {
  CLI::App app{
      "Trains a convolutional network to recognise scenes, on MiniPlaces, CIFAR-10, a folder of "
      "images, or the built-in TinyPlaces.\n\n"
      "  train_miniplaces                              TinyPlaces, a few minutes\n"
      "  train_miniplaces datasets/miniplaces --classes 10 --epochs 20 --warmup 2 --lr 0.05\n"
      "  train_miniplaces datasets/cifar-10-batches-bin --model cifar_5x5 --augment mirror,pad "
      "--normalize data\n"
      "  train_miniplaces --resume runs/train/last.safetensors\n"
      "  train_miniplaces DATA --resume runs/train/best.safetensors --evaluate\n",
      "train_miniplaces"};
  Flags f;

  explicit CommandLine(const std::vector<std::string>& words) {
    app.set_version_flag("--version", "train_miniplaces (Tweed 0.1.0)");
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    add_flags(app, f);
    parse(app, words);
    f.training.flags = run_flags(app);
  }
};

std::function<int()> prepare(const std::vector<std::string>& words) {
  auto line = std::make_unique<CommandLine>(words);
  if (line->f.summary) return prepare_summary(line->f);
  if (line->f.evaluate && line->f.resume.empty())
    throw Error("--evaluate needs a network: give its checkpoint with --resume FILE");
  std::optional<SavedRun> saved;
  if (!line->f.resume.empty() && !line->f.evaluate) {
    saved = load_run(line->f.resume);
    line = std::make_unique<CommandLine>(with_saved(line->app, saved->flags, words));
  }
  Flags& f = line->f;
  if (f.custom_conv) f.conv = "im2col";
  Device device = f.device.open();
  check_conv_algorithm(parse_conv_algorithm(f.conv), device);
  set_conv_algorithm(parse_conv_algorithm(f.conv));
  return f.evaluate ? prepare_evaluation(f, device)
                    : prepare_training(f, saved ? &*saved : nullptr, device);
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("train_miniplaces", [&] { return prepare({argv + 1, argv + argc}); });
}
