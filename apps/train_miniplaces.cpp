// Trains a network to recognise scenes, and evaluates one. See --help.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <sstream>

#include "apps/app.h"
#include "apps/flags.h"
#include "apps/numbers.h"
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
  std::string precision = "f32", images_on = "auto";
  bool evaluate = false, attacked = false, pictures = false, custom_conv = false, summary = false;
  std::vector<CLI::Option*> model_options;  // --model and its shorthands

  bool model_given() const {
    return std::any_of(model_options.begin(), model_options.end(),
                       [](CLI::Option* o) { return o->count() > 0; });
  }
};

// Groups of --help, and what check_use() goes by.
constexpr const char *of_data = "Data", *of_training = "Training", *of_attack = "Attack",
                     *of_computing = "Computing";

void add_model_flags(CLI::App& app, Flags& f) {
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
}

void add_task_flags(CLI::App& app, Flags& f) {
  app.add_flag("--summary", f.summary,
               "only print a table of the network's layers, for one image of DATA's size");
  app.add_option("--resume", f.resume,
                 "a checkpoint of ours: training goes on where the state file beside it ended; "
                 "with --evaluate, its weights are used");
  app.add_option("--out", f.training.out, "folder for what the run leaves behind")
      ->capture_default_str();
  app.add_flag(
      "-e,--evaluate", f.evaluate,
      "only evaluate --resume on the validation images, averaging the logits of each image "
      "and its mirror image");
  app.add_flag("-a,--attack", f.attacked,
               "with --evaluate: evaluate under the attack given by the --attack flags, too");
  app.add_flag(
      "-v,--vis", f.pictures,
      "with --evaluate: draw saliency maps, and attacked images if there is -a, into --out");
}

void add_training_flags(CLI::App& app, Flags& f) {
  TrainingOptions& t = f.training;
  auto epochs =
      add_whole(app, "--epochs", t.epochs, {1, 100'000}, "times through the training images");
  add_whole(app, "--iterations", t.iterations, {1, 1'000'000'000}, "steps, instead of --epochs")
      ->default_str("")
      ->excludes(epochs);
  add_whole(app, "--limit", f.data.limit, {0, 1'000'000'000}, "training images a class; 0: all");
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
  add_whole(app, "-b,--batch-size", t.batch_size, {1, 65536}, "images a step");
  t.optimizer.add_to(app);
  add_whole(app, "-p,--print-freq", t.print_every, {0, 1'000'000'000},
            "iterations between progress lines, if stdout is no terminal; 0: none");
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
  app.add_option("--adversarial", f.adversarial, "train on attacked images: pgd")
      ->check(CLI::IsMember({"pgd"}));
}

void add_computing_flags(CLI::App& app, Flags& f) {
  f.device.add_to(app);
  auto conv = app.add_option(
      "--conv", f.conv,
      "how convolutions are computed: auto (chosen for each shape), naive (a thread a "
      "result), im2col (as the text explains it), implicit (im2col's tiles in shared "
      "memory), mma (implicit on tensor cores, f32 as TF32), direct (oneDNN), winograd "
      "(oneDNN's, where it has it, else direct), tiled (a register tile of ours); naive, "
      "implicit and mma on cuda and sim, direct, winograd and tiled on cpu");
  conv->capture_default_str();
  app.add_flag("--use-custom-conv", f.custom_conv, "the coursework's name for --conv im2col")
      ->excludes(conv);
  app.add_option(
         "--precision", f.precision,
         "what layers compute in: f32; tf32 (cuda only); bf16, with float32 master weights, "
         "norms, softmax and losses adding up in float32")
      ->check(CLI::IsMember({"f32", "tf32", "bf16"}))
      ->capture_default_str();
}

void add_flags(CLI::App& app, Flags& f) {
  add_task_flags(app, f);
  add_model_flags(app, f);
  app.option_defaults()->group(of_data);
  f.data.add_to(app, "of weights, order, augmentation and attacks");
  app.add_option("--validation", f.validation,
                 "validation images from elsewhere, instead of DATA's; same classes")
      ->type_name("DATA");
  app.option_defaults()->group(of_training);
  add_training_flags(app, f);
  app.option_defaults()->group(of_attack);
  f.attack.add_to(app);
  app.option_defaults()->group(of_computing);
  add_computing_flags(app, f);
}

// Flags that contradict what is to be done are refused. -e and --summary are put behind commands
// that train, so what they have no use for is only noted.
void check_use(const CLI::App& app, const Flags& f) {
  const auto of_group = [&](const char* group) {
    return given(app, [&](const CLI::Option& o) { return o.get_group() == group; });
  };
  const std::string training = of_group(of_training), attack = of_group(of_attack);
  const bool out = app.count("--out") > 0;
  f.attack.check();
  if (f.summary) {
    if (f.evaluate || f.attacked || f.pictures)
      throw Error("--summary only prints a table: it goes without --evaluate, -a and -v");
    const std::string kept[] = {"data", "--summary", "--resume", "--classes", "--image-size"};
    note_unused(given(app,
                      [&](const CLI::Option& o) {
                        return std::find(std::begin(kept), std::end(kept), o.get_name()) ==
                                   std::end(kept) &&
                               std::find(f.model_options.begin(), f.model_options.end(), &o) ==
                                   f.model_options.end();
                      }),
                "with --summary");
  } else if (f.evaluate) {
    if (f.resume.empty())
      throw Error("--evaluate needs a network: give its checkpoint with --resume FILE");
    note_unused(training, "with --evaluate");
    if (!f.attacked) note_unused(attack, "without -a");
    if (out && !f.pictures) note_unused("--out", "without -v");
  } else {
    if (f.attacked || f.pictures)
      throw Error(
          "-a and -v belong to --evaluate; to train on attacked images use --adversarial pgd");
    if (f.adversarial.empty() && !attack.empty())
      throw Error(attack + ": no effect without --adversarial pgd, or --evaluate -a");
    if (!f.resume.empty() && app.count("--normalize"))
      note_unused("--normalize", "with --resume, which goes on as before");
  }
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
    check_model(f, from.info);
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

// What is evaluated, and how.
struct Evaluation {
  Checkpoint checkpoint;
  std::shared_ptr<ParameterBuffer> parameters;  // in --precision bf16; else null
  DataSplits data;
  std::optional<PgdOptions> attack;
  Device device;
  int workers = 0;
  std::string out;  // for pictures; empty: none

  const CheckpointInfo& info() const { return checkpoint.info; }
  // False after Ctrl-C.
  bool print(const char* what, bool mirrored, const PgdOptions* under) const {
    const Score score = app::evaluate(*checkpoint.network, data.validation,
                                      validation_loader(info(), workers), device, mirrored, under);
    if (interrupted()) return false;
    std::printf("%-24s%s\n", what, text(score.average(), info().image_size).c_str());
    std::fflush(stdout);
    return true;
  }
  bool draw() const {
    const Samples samples = pick_samples(data.validation, info(), 10);
    const std::string maps = out + "/saliency.png", attacks = out + "/attack.png";
    if (!write_saliency_sheet(maps, checkpoint, samples, device)) return false;
    print_written(maps, samples, info());
    if (!attack) return true;
    if (!write_attack_sheet(attacks, checkpoint, samples, *attack, device)) return false;
    print_written(attacks, samples, info());
    return true;
  }
  int run() const {
    const bool done = print("image and mirror image:", true, nullptr) &&
                      (!attack || print("attacked:", false, &*attack)) && (out.empty() || draw());
    return done ? 0 : 130;
  }
};

std::function<int()> prepare_evaluation(Flags& f, Device device) {
  auto e = std::make_shared<Evaluation>();
  e->checkpoint = load_checkpoint(f.resume);
  CheckpointInfo& info = e->checkpoint.info;
  Module& network = *e->checkpoint.network;
  check_model(f, info);
  if (f.attacked) e->attack = f.attack.options(info, f.data.seed);
  if (f.pictures) {
    e->out = f.training.out;
    make_output_folder(e->out);
  }
  f.data.match(info);
  if (!f.validation.empty()) f.data.data = f.validation;
  e->data = f.data.open(Splits::validation);
  f.data.check_classes(info, e->data.validation);
  e->workers = f.data.workers;
  e->device = device;
  network.to(device);
  set_tf32(device, f.precision == "tf32");
  if (f.precision == "bf16")
    e->parameters = std::make_shared<ParameterBuffer>(
        network.parameters(), std::vector<ParameterRule>(), DType::bfloat16);
  see_images_of(e->data, info, network, device);
  return [e] { return e->run(); };
}

std::function<int()> prepare_training(Flags& f, Device device) {
  ModulePtr network;
  std::optional<CheckpointInfo> resumed;
  TrainingOptions& t = f.training;
  t.optimizer.check(t.batch_size);
  if (f.resume.empty()) {
    make_model(f.model, {});  // a wrong name should not wait for the images
  } else {
    Checkpoint from = load_checkpoint(f.resume);
    check_model(f, from.info);
    f.data.match(from.info);
    resumed = from.info;
    network = from.network;
  }
  make_output_folder(t.out);
  auto data = std::make_shared<DataSplits>(open_both(f));
  CheckpointInfo info = info_for(f, *data);
  info.model = resumed ? resumed->model : name_of(f.model);
  info.description = resumed ? resumed->description : model_description(f.model);
  if (resumed) {
    info.mean = resumed->mean;
    info.std = resumed->std;
  }
  t.seed = f.data.seed;
  t.workers = f.data.workers;
  const std::map<std::string, Residence> residences{
      {"auto", Residence::automatic}, {"device", Residence::device}, {"host", Residence::host}};
  t.residence = residences.at(f.images_on);
  if (f.precision == "bf16") t.compute = DType::bfloat16;
  set_tf32(device, f.precision == "tf32");
  t.augmentation = parse_augmentation(f.augment, info.image_size);
  if (!f.adversarial.empty()) t.adversarial = f.attack.options(info, f.data.seed);
  if (!network)
    network = make_model(
        f.model,
        {.classes = int64_t(info.classes.size()), .seed = t.seed, .image_size = info.image_size});
  network->to(device);
  for (auto& pattern : t.optimizer.freeze) freeze(*network, pattern);
  auto training =
      std::make_shared<Training>(t, info, network, device, data->train, data->validation);
  if (!f.resume.empty()) training->resume(f.resume);
  std::printf(
      "%s: %ld parameters, %zu classes, %ld training and %ld validation images of %dx%d, on %s\n",
      info.model.c_str(), long(network->parameter_count()), info.classes.size(),
      long(data->train.size()), long(data->validation.size()), info.image_size, info.image_size,
      device_text(device).c_str());
  std::fflush(stdout);
  return [=] { return data ? training->run() : 1; };
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Trains a convolutional network to recognise scenes, on MiniPlaces, CIFAR-10, a folder of "
      "images, or the built-in TinyPlaces.\n\n"
      "  train_miniplaces                              TinyPlaces, a few minutes\n"
      "  train_miniplaces datasets/miniplaces --classes 10 --epochs 20 --warmup 2 --lr 0.05\n"
      "  train_miniplaces datasets/cifar-10-batches-bin --model cifar_5x5 --augment mirror,pad "
      "--normalize data\n"
      "  train_miniplaces DATA --resume runs/train/best.safetensors --evaluate\n",
      "train_miniplaces");
  app.set_version_flag("--version", "train_miniplaces (Tweed 0.1.0)");
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  Flags f;
  add_flags(app, f);
  parse(app, argc, argv);
  check_use(app, f);
  if (f.summary) return prepare_summary(f);
  if (f.custom_conv) f.conv = "im2col";
  Device device = f.device.open();
  check_conv_algorithm(parse_conv_algorithm(f.conv), device);
  set_conv_algorithm(parse_conv_algorithm(f.conv));
  return f.evaluate ? prepare_evaluation(f, device) : prepare_training(f, device);
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("train_miniplaces", [&] { return prepare(argc, argv); });
}
