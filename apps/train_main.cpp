#include "apps/train_main.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include "apps/agreement.h"
#include "apps/app.h"
#include "apps/drawings/map_sheets.h"
#include "apps/drawings/sheets.h"
#include "apps/help.h"
#include "apps/processes.h"
#include "apps/search/find_lr.h"
#include "apps/start_weights.h"
#include "apps/train_flags.h"
#include "apps/training.h"
#include "autograd/conv.h"
#include "data/whole_file.h"
#include "kernels/machine/printable.h"
#include "nn/freeze.h"
#include "nn/head.h"
#include "nn/initialize.h"
#include "nn/models/sequential.h"
#include "nn/summary.h"
#include "record/draw/graph_drawing.h"
#include "record/report/page.h"

using namespace tweed;
using namespace tweed::app;

namespace {

CheckpointInfo info_for(const TrainFlags& f, const DataSplits& data) {
  CheckpointInfo info;
  info.classes = data.train.classes();
  info.image_size = data.image_size;
  info.load_size = data.train.image_side();
  Normalization n = f.normalization.value_or(Normalization());
  if (f.normalize == "none") n = {{0, 0, 0}, {1, 1, 1}};
  if (f.normalize == "data") n = data.train.normalization();
  info.mean = n.mean;
  info.std = n.std;
  return info;
}

// Validation images from elsewhere take the place of DATA's.
DataSplits open_both(const TrainFlags& f) {
  if (f.validation.empty()) return f.data.open(Splits::both);
  DataSplits data = f.data.open(Splits::train);
  DataFlags other = f.data;
  other.data = f.validation;
  other.image_size = data.image_size;
  other.load_size = data.train.image_side();
  other.class_names = data.train.classes();  // and so their labels
  other.all_validation = true;
  try {
    data.validation = other.open(Splits::validation).validation;
  } catch (const Error& e) {
    throw Error(std::string("--validation: ") + e.what());
  }
  return data;
}

// A run that goes on may be started where its DATA is not.
DataSplits open_data(const TrainFlags& f) {
  if (!f.saved_data) return open_both(f);
  try {
    return open_both(f);
  } catch (const Error& e) {
    if (interrupted()) throw;
    throw Error(std::string(e.what()) +
                " (the DATA of the run that goes on; another may be given)");
  }
}

// Of the processes of a machine the first makes the files of --pack, the others find them.
DataSplits open_in_turn(const TrainFlags& f) {
  if (!f.group || !(f.data.pack || !f.data.pack_folder.empty())) return open_data(f);
  DataSplits data;
  if (f.group->local_rank() == 0) data = open_data(f);
  f.group->any(false);
  return f.group->local_rank() == 0 ? data : open_data(f);
}

std::string name_of(const std::string& model) {
  return std::filesystem::path(model).filename().string();
}

// A --model or its shorthand beside --resume has to be what the checkpoint holds.
void check_model(const TrainFlags& f, const CheckpointInfo& resumed) {
  if (!f.model_given()) return;
  if (name_of(f.model) != resumed.model)
    throw Error("--resume holds a " + resumed.model + ", but --model says " + f.model);
  if (model_description(f.model) != resumed.description)
    throw Error("--resume holds another network than " + f.model + " describes now");
}

// What can be refused before images are read, which takes its time.
// @param network  of a run that goes on; null for a new one
void check_early(const TrainFlags& f, const std::string& model, ModulePtr network) {
  CheckpointInfo info;
  info.model = name_of(model);
  info.image_size = f.data.size_seen();
  constexpr int64_t any_number = 2;  // of classes: DATA says it later
  const bool is_new = !network;
  if (is_new) network = make_model(model, {.classes = any_number, .image_size = info.image_size});
  check_image_size(*network, info);
  if (is_new && !f.weights.empty()) start_from(f.weights, *network, model);
}

// Whether there is DATA. Of images that are given a size nobody else asks before reading them.
void check_place(const TrainFlags& f) {
  for (auto& place : {f.data.data, f.validation}) {
    if (place.empty()) continue;
    DataFlags data = f.data;
    data.data = place;
    data.image_size = data.load_size = 0;
    data.size_seen();
  }
}

// Its loss would be 0 from the first step on.
void check_several(const TrainFlags& f, const std::vector<std::string>& classes) {
  if (classes.size() == 1)
    throw Error(printable(f.data.data) + " has one class only, " + in_quotes(classes[0], 60) +
                ": there is nothing to tell apart");
}

// A JSON file may give a number of its own.
void check_answers(Module& network, const CheckpointInfo& info) {
  const int64_t answers = check_image_size(network, info);
  if (answers != int64_t(info.classes.size()))
    throw Error(printable(info.model) + " tells " + std::to_string(answers) +
                " classes apart, but DATA has " + std::to_string(info.classes.size()) +
                (info.description.empty()
                     ? ""
                     : "; \"classes\" in the place of a number stands for DATA's"));
}

std::function<int()> prepare_summary(TrainFlags& f) {
  ModulePtr network;
  if (!f.resume.empty()) {
    Checkpoint from = load_checkpoint(weights_file(f.resume));
    check_model(f, from.info);
    f.data.match(from.info);
    network = from.network;
    check_early(f, from.info.model, network);
  } else {
    check_early(f, f.model, nullptr);
    f.data.limit = 1;  // DATA says how many classes there are, and which size
    f.data.pack = false;
    f.data.pack_folder.clear();
    const DataSplits data = f.data.open(Splits::train);
    f.data.image_size = data.image_size;
    network = make_model(f.model, {.classes = int64_t(data.train.classes().size())});
  }
  return [network, size = f.data.image_size, drawing = f.drawing] {
    const Shape image{1, size, size, 3};
    say("%s", summary(*network, image, terminal_width()).c_str());
    if (!drawing.empty()) {
      WholeFile file(drawing);
      file.write(draw_network(*network, image));
      file.commit();
      say("wrote %s\n", printable(drawing).c_str());
    }
    return 0;
  };
}

// What is evaluated, and how.
struct Evaluation {
  Checkpoint checkpoint;
  std::shared_ptr<ParameterBuffer> parameters;  // in --precision bf16; else null
  DataSplits data;
  std::optional<PgdOptions> attack;
  std::string method;  // the attack's name
  Device device;
  int workers = 0;
  std::string out;                      // for pictures; empty: none
  std::shared_ptr<ProcessGroup> group;  // of processes that evaluate together; null: there are none

  const CheckpointInfo& info() const { return checkpoint.info; }
  // False after Ctrl-C.
  bool print(const char* what, bool mirrored, const PgdOptions* under) const {
    EvaluateOptions options = evaluation_of(info(), workers);
    options.mirrored = mirrored;
    if (under) options.attack = attack_of(method, interruptible(*under), device);
    options.group = group;
    Outcomes outcomes;
    options.see = [&](const Tensor& logits, const Tensor& labels) { outcomes.add(logits, labels); };
    const Score score = evaluate_shown(*checkpoint.network, data.validation, options);
    if (group ? group->any(interrupted()) : interrupted()) return false;
    const auto all = of_all_processes(group.get(), outcomes.read());
    say("%-24s%s\n", what, text(score, calibration_of(all), info().image_size).c_str());
    std::fflush(stdout);
    return true;
  }
  bool draw() const {
    const Samples samples = pick_samples(data.validation, info(), 10);
    const std::string maps = out + "/" + run_file::saliency, attacks = out + "/" + run_file::attack;
    if (!write_map_sheet(maps, checkpoint, samples, device)) return false;
    print_written(maps, samples, info());
    if (attack) {
      if (!write_attack_sheet(attacks, checkpoint, samples, method, *attack, device)) return false;
      print_written(attacks, samples, info());
    }
    if (!write_event_images(out, checkpoint, data.validation, method, attack ? &*attack : nullptr,
                            device))
      return false;
    if (std::filesystem::exists(out + "/" + run_file::config)) write_report(out);
    return true;
  }
  int run() const {
    const bool done = print("image and mirror image:", true, nullptr) &&
                      // As the coursework attacks, which leaves the mirror image out: so does what
                      // it is compared with.
                      (!attack || (print("clean, not mirrored:", false, nullptr) &&
                                   print("attacked:", false, &*attack))) &&
                      (out.empty() || (group && !group->leads()) || draw());
    return done ? 0 : 130;
  }
};

std::function<int()> prepare_evaluation(TrainFlags& f, Device device) {
  auto e = std::make_shared<Evaluation>();
  const std::string weights = weights_file(f.resume);
  e->checkpoint = load_checkpoint(weights);
  CheckpointInfo& info = e->checkpoint.info;
  Module& network = *e->checkpoint.network;
  check_model(f, info);
  e->method = f.attack.method;
  if (f.attacked) e->attack = f.attack.options(info, f.data.seed);
  if (f.pictures) {
    e->out = f.out_given() ? f.out : folder_of(weights);
    make_output_folder(e->out);
  }
  f.data.match(info);
  if (!f.validation.empty()) f.data.data = f.validation;
  e->workers = f.data.workers;
  e->device = device;
  e->group = f.group;
  set_tf32(device, f.precision == "tf32");
  e->data = open_validation(f.data, e->checkpoint, device);
  if (f.group) check_agreement(*f.group, facts_of(e->data.validation, info, network));
  if (f.precision == "bf16")
    e->parameters = std::make_shared<ParameterBuffer>(
        network.parameters(), std::vector<ParameterRule>(), DType::bfloat16);
  return [e] { return e->run(); };
}

// What the run takes from its flags as they are.
void fill_options(TrainFlags& f, const CheckpointInfo& info, Device device) {
  TrainerOptions& t = f.training.trainer;
  t.seed = f.data.seed;
  t.workers = f.data.workers;
  const std::map<std::string, Residence> residences{
      {"auto", Residence::automatic}, {"device", Residence::device}, {"host", Residence::host}};
  t.residence = residences.at(f.images_on);
  if (f.precision == "bf16") t.compute = DType::bfloat16;
  set_tf32(device, f.precision == "tf32");
  t.augmentation = parse_augmentation(f.augment, info.image_size);
  t.normalization = {info.mean, info.std};
  t.image_size = info.image_size;
  f.defence.fill(t, f.attack, info, f.data.seed);
  f.training.robust_images = f.defence.robust_images();
}

// What a run says before its first step.
void announce(const TrainFlags& f, const DataSplits& data, const CheckpointInfo& info,
              const Module& network, Device device) {
  say("%s: %ld parameters, %zu classes, %ld training and %ld validation images of %dx%d, on %s\n",
      printable(info.model).c_str(), long(network.parameter_count()), info.classes.size(),
      long(data.train.size()), long(data.validation.size()), info.image_size, info.image_size,
      device_text(device).c_str());
  if (f.group)
    say("%d processes train together (%s), %ld images a step in all\n", f.group->size(),
        f.group->engine().c_str(), long(f.training.trainer.batch_size));
  const std::string& folder = f.training.folder->path();
  const bool moved = f.resume.empty() && !f.out_given() && folder != f.out;
  say("Files go to %s%s\n", printable(folder).c_str(),
      moved ? (": " + printable(f.out) + " holds another run").c_str() : "");
}

ModulePtr new_network(const TrainFlags& f, const CheckpointInfo& info) {
  ModulePtr network = make_model(f.model, {.classes = int64_t(info.classes.size()),
                                           .seed = f.data.seed,
                                           .image_size = info.image_size});
  if (!f.init.empty()) initialize_weights(*network, f.init, f.data.seed);
  if (f.weights.empty()) return network;
  for (auto& note : start_from(f.weights, *network, info.model))
    say("%s: %s\n", printable(f.weights).c_str(), note.c_str());
  return network;
}

// @param saved  the run that goes on; null for a new one
std::function<int()> prepare_training(TrainFlags& f, const SavedRun* saved, Device device) {
  ModulePtr network;
  TrainingOptions& t = f.training;
  f.optimizer.check();
  if (saved) {
    check_model(f, saved->checkpoint.info);
    f.data.match(saved->checkpoint.info);
    network = saved->checkpoint.network;
  } else {
    check_model_name(f.model);  // told before what --out holds
  }
  const bool goes_on = saved && !saved->is_earlier;  // else another run may begin there
  if (f.check_only) {
    check_place(f);
    check_early(f, saved ? saved->checkpoint.info.model : f.model, network);
    return [] {
      say("These flags are right.\n");
      return 0;
    };
  }
  if (f.overwrite && goes_on && (!f.out_given() || same_folder(f.out, saved->folder)))
    note_unused("--overwrite", "with --resume, which goes on in the run's own folder");
  t.overwrites = f.overwrite;
  if (f.overwrite && saved && !goes_on && !f.out_given()) f.out = saved->folder;
  t.trainer.group = f.group;
  if (t.trainer.sync_bn && !f.group) note_unused("--sync-bn", "with one process");
  const FolderWish wish{.out = f.out,
                        .given = f.out_given(),
                        .overwrite = f.overwrite,
                        .resumed = goes_on ? saved->folder : ""};
  if (!f.group || f.group->leads()) t.folder = open_run_folder(wish);
  if (f.group) {
    const std::string path = f.group->broadcast(t.folder ? t.folder->path() : "");
    if (!t.folder) t.folder = RunFolder::of_leader(path);
  }
  check_early(f, saved ? saved->checkpoint.info.model : f.model, network);
  DataSplits data = open_in_turn(f);
  check_several(f, data.train.classes());
  CheckpointInfo info = info_for(f, data);
  info.model = saved ? saved->checkpoint.info.model : name_of(f.model);
  info.description = saved ? saved->checkpoint.info.description : model_description(f.model);
  if (saved) {
    info.mean = saved->checkpoint.info.mean;
    info.std = saved->checkpoint.info.std;
  }
  fill_options(f, info, device);
  if (!network) network = new_network(f, info);
  check_answers(*network, info);
  if (f.head_only) freeze_body(*network);
  t.trainer.head = head_name(*network);
  if (f.half_weights) t.weights_as = WeightsAs::half;
  network->to(device);
  for (auto& pattern : t.freeze) freeze(*network, pattern);
  if (f.find_lr) {
    announce(f, data, info, *network, device);
    std::fflush(stdout);
    return [t, network, data] { return find_lr_for(t, network, data.train); };
  }
  if (f.group) check_agreement(*f.group, facts_of(f, data, info, *network));
  auto training = std::make_shared<Training>(t, info, network, std::move(data));
  if (saved) training->resume(*saved);
  announce(f, training->data(), info, *network, device);
  if (saved && !training->done()) {
    const std::string other = differences(t.flags, saved->flags);
    say("Going on in %s with the flags of before%s%s\n", training->start().c_str(),
        other.empty() ? "" : ", but ", other.c_str());
  }
  std::fflush(stdout);
  return [training] { return training->run(); };
}

// The command line, and what it means.
struct CommandLine {
  CLI::App app{
      "Trains a convolutional network to recognise scenes, on MiniPlaces, CIFAR-10, a folder of "
      "images, or the built-in TinyPlaces.\n\n"
      "  train_miniplaces                              drawn scenes, two minutes\n"
      "  train_miniplaces datasets/miniplaces --classes 10 --epochs 20 --warmup 2 --lr 0.05\n"
      "  train_miniplaces datasets/cifar-10-batches-bin --model cifar_5x5 --augment mirror,pad "
      "--normalize data\n"
      "  train_miniplaces --resume runs/train\n"
      "  train_miniplaces DATA --resume runs/train --evaluate\n"
      "  TWEED_TRACE=1 train_miniplaces tiny --iterations 5    where a step's time goes\n",
      "train_miniplaces"};
  TrainFlags f;

  explicit CommandLine(const std::vector<std::string>& words) {
    app.allow_config_extras(CLI::config_extras_mode::error);
    app.set_config("--config", "",
                   "a file of flags: lines such as epochs=20; given flags count more")
        ->group("Task and output")
        ->type_name("FILE");
    app.set_version_flag("--version", "train_miniplaces (Tweed " TWEED_VERSION ")");
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    f.add_to(app);
    use_our_help(app, {"--help",       "--help-all", "--resume",    "--out",         "--overwrite",
                       "--evaluate",   "--attack",   "--vis",       "--summary",     "--model",
                       "--classes",    "--limit",    "--epochs",    "--batch-size",  "--lr",
                       "--image-size", "--augment",  "--optimizer", "--adversarial", "--attack-eps",
                       "--device",     "--seed"});
    parse(app, words);
    f.training.flags = run_flags(app);
  }
};

// Who names no data wants to see it train: what the demo does, in minutes, where no flag says
// otherwise.
std::vector<std::string> with_demo(const CommandLine& line, const std::vector<std::string>& words) {
  std::vector<std::string> all;
  auto add = [&](const std::string& flag, const char* value) { all.push_back(flag + "=" + value); };
  auto is_given = [&](const char* flag) { return line.app.get_option(flag)->count() > 0; };
  if (!line.f.model_given()) add("--model", "simplenet_bn");
  if (!is_given("--image-size")) add("--image-size", "64");
  if (!is_given("--epochs") && !is_given("--iterations")) add("--epochs", "6");
  if (!is_given("--warmup")) add("--warmup", "1");
  if (!all.empty()) say("Without DATA: tiny %s\n", joined(all, " ").c_str());
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

// The words of a run that starts from a checkpoint of ours, which knows its network.
std::vector<std::string> with_model(const CommandLine& line,
                                    const std::vector<std::string>& words) {
  if (line.f.weights.empty() || line.f.model_given()) return words;
  const std::string model = model_of_weights(line.f.weights);
  say("Without --model: %s, which the weights are for\n", printable(model).c_str());
  std::vector<std::string> all{"--model=" + model};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

// The words of a new run, with what the model suggests where no flag says otherwise.
std::vector<std::string> with_optimizer(const CommandLine& line,
                                        const std::vector<std::string>& words) {
  const bool given = line.app.count("--optimizer") || line.app.count("--nesterov");
  if (line.f.model != "simplevit" || given) return words;
  say("Without --optimizer: simplevit is trained by adamw\n");
  std::vector<std::string> all{"--optimizer=adamw"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

std::function<int()> prepare(std::vector<std::string> words) {
  const auto group = join_processes();
  const std::vector<std::string> typed = words;
  auto line = std::make_unique<CommandLine>(words);
  line->f.check_use(line->app);
  if (line->f.resume.empty() && !line->f.summary) {
    if (auto more = with_model(*line, words); more != words)
      line = std::make_unique<CommandLine>(words = more);
    if (!line->f.data.given()) words = with_demo(*line, words);
    words = with_optimizer(*line, words);
    words = line->f.defence.with_steps(line->app, words);
    if (line->app.count("--use-resnet18") && line->f.weights.empty())
      say("resnet18 starts from scratch: its weights are random, not ImageNet's, which --weights "
          "FILE would bring\n");
    line = std::make_unique<CommandLine>(words);
  }
  if (line->f.summary && group) throw Error("--summary is for one process");
  if (line->f.summary) return prepare_summary(line->f);
  std::optional<SavedRun> saved;
  if (!line->f.resume.empty() && !line->f.evaluate) {
    saved = load_run(line->f.resume);
    const bool data_given = line->f.data.given();
    line = std::make_unique<CommandLine>(with_saved(line->app, saved->flags, words));
    line->f.saved_data = !data_given;
  }
  TrainFlags& f = line->f;
  if (group && f.find_lr)
    throw Error("--find-lr looks for a rate in one process, which several take as well");
  if (group && f.check_only) throw Error("--check is for one process");
  f.training.command = typed;
  if (!f.weights.empty() && !line->app.count("--normalize"))
    f.normalization = normalization_of_weights(f.weights, f.model);
  if (f.custom_conv) f.conv = "im2col";
  f.group = group;
  const Device device = open_device(f.device, f.group);
  if (f.group) check_agreement(*f.group, wishes_of(line->app, f));
  set_conv_algorithm(device, parse_conv_algorithm(f.conv));
  return f.evaluate ? prepare_evaluation(f, device)
                    : prepare_training(f, saved ? &*saved : nullptr, device);
}

}  // namespace

int app::train_main(int argc, char** argv) {
  const int code = app::run("train_miniplaces", [&] { return prepare({argv + 1, argv + argc}); });
  leave_processes();
  return code;
}
