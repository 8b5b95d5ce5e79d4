#include "apps/train_flags.h"

#include "apps/numbers.h"
#include "autograd/conv.h"
#include "kernels/machine/printable.h"
#include "nn/initialize.h"
#include "nn/models/models.h"
#include "train/defence.h"

namespace tweed::app {
namespace {

// Groups of --help, and what check_use() goes by.
constexpr const char *of_task = "Task and output", *of_model = "Model", *of_data = "Data",
                     *of_training = "Training", *of_augmentation = "Augmentation",
                     *of_attack = "Attack", *of_computing = "Computing";

std::string augment_help() {
  std::string text = "what happens to training images at random: none, or some of";
  for (auto& row : augmentation_rows())
    text += std::string(&row == &augmentation_rows()[0] ? " " : "; ") + row.name + " (" +
            row.meaning + ")";
  return text + ". docs/augmentation.md shows them";
}

}  // namespace

void DefenceFlags::add_to(CLI::App& flags) {
  flags
      .add_option("--adversarial", name,
                  "train the network to withstand the attack that the --attack flags say: " +
                      joined(defence_names()) + " (docs/robust.md)")
      ->check(one_of(defence_names()));
  add_number(flags, "--adversarial-weight", weight, {},
             "trades: beta, by default 6; mart: lambda, 5; awp: gamma, 0.005");
  robust_option_ =
      add_whole(flags, "--robust-images", robust_images_, {0, 1'000'000'000},
                "validation images that PGD-10 attacks after each epoch, as many of each class; "
                "default: 500 with --adversarial, else 0")
          ->default_str("");
}

void DefenceFlags::check(const CLI::App& flags, const AttackFlags& attack) const {
  auto unused = [&](const char* flag) {
    if (flags.count(flag)) note_unused(flag, "with --adversarial " + name);
  };
  if (name != "trades" && name != "mart" && name != "awp") unused("--adversarial-weight");
  if (name == "fgsm") unused("--attack-steps");
  if (name == "free") unused("--no-random-start");
  PgdOptions meant;
  meant.space.norm = attack.norm == "linf" ? Norm::linf : attack.norm == "l2" ? Norm::l2 : Norm::l1;
  meant.goal = attack.goal == "label" ? AttackGoal::raise_label : AttackGoal::lower_target;
  meant.random_start = !attack.no_random_start;
  check_defence(name, meant);
}

void DefenceFlags::fill(TrainerOptions& options, const AttackFlags& attack,
                        const CheckpointInfo& info, uint64_t seed) const {
  options.adversarial = name;
  options.defence = DefenceOptions{
      .attack = attack.options(info, seed), .usual_step = !attack.step, .weight = weight};
}

std::vector<std::string> DefenceFlags::with_steps(const CLI::App& flags,
                                                  const std::vector<std::string>& words) const {
  if (name != "free" || flags.count("--attack-steps")) return words;
  say("Without --attack-steps: free trains on each batch 4 times\n");
  std::vector<std::string> all{"--attack-steps=4"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

void TrainFlags::add_model_flags(CLI::App& app) {
  model_options = {app.add_option("--model", model,
                                  "the network: " + joined(model_names()) +
                                      ", or a JSON file that describes one (docs/models.md)")
                       ->capture_default_str()};
  app.add_option("--weights", weights,
                 "start from the weights in this file: safetensors, or PyTorch's .pth; a last "
                 "layer for another number of classes is made anew. Images are normalised as for "
                 "these weights, unless --normalize says how")
      ->type_name("FILE");
  app.add_flag("--head-only", head_only,
               "train the network's last layer alone; batch norms keep their statistics");
  auto shorthand = [&](const char* flag, const char* model) {
    auto option = app.add_flag_callback(
        flag, [this, model = std::string(model)] { this->model = model; },
        std::string("the coursework's name for --model ") + model);
    for (auto other : model_options) option->excludes(other);
    model_options.push_back(option);
  };
  shorthand("--use-vit", "simplevit");
  shorthand("--use-resnet18", "resnet18");
}

void TrainFlags::add_task_flags(CLI::App& app) {
  app.add_flag("--summary", summary,
               "only print a table of the network's layers, for one image of DATA's size");
  app.add_option("--draw", drawing, "with --summary: draw the network into this file (.svg)");
  app.add_flag("--check", check_only,
               "only check flags, model, and where DATA is; nothing is trained or written");
  out_option = app.add_option("--out", out,
                              "folder for what the run leaves behind; default: runs/train, or "
                              "the next free of runs/train-2, runs/train-3, ...; with --resume, "
                              "the folder of the run that goes on");
  app.add_flag("--half-weights", half_weights,
               "write best and last in half precision, in half the room; training goes on from "
               "float32 all the same");
  app.add_flag("--overwrite", overwrite, "replace the run that --out holds");
  app.add_option("--resume", resume,
                 "a run's folder, or its last.safetensors: training goes on where the state file "
                 "beside it ended, "
                 "with the flags of that run (data, rate, schedule, epochs, ...) where none are "
                 "given here; with its best.safetensors, best_robust.safetensors, or a state of "
                 "--keep, it goes on from "
                 "there in another folder; with --evaluate, the checkpoint whose weights are used");
  app.add_flag(
      "-e,--evaluate", evaluate,
      "only evaluate --resume on the validation images, averaging the logits of each image "
      "and its mirror image");
  app.add_flag("-a,--attack", attacked,
               "with --evaluate: evaluate under the attack given by the --attack flags, too");
  app.add_flag(
      "-v,--vis", pictures,
      "with --evaluate: draw saliency maps, and attacked images if there is -a, into --out");
}

void TrainFlags::add_training_flags(CLI::App& app) {
  app.add_option("--init", init,
                 "initial weights of linear layers and convolutions: " + joined(init_schemes()) +
                     "; default: the network's own")
      ->check(one_of(init_schemes()));
  app.add_flag("--find-lr", find_lr,
               "do not train: try rates that rise from 1e-6 to 10 in 200 steps, draw the loss by "
               "rate, suggest an --lr, and print the command that trains with it; weights stay as "
               "they are");
  TrainerOptions& t = training.trainer;
  add_whole(app, "--start-epoch", start_epoch, {0, 1'000'000},
            "the coursework's; a run goes on by --resume, which knows its epoch");
  auto epochs =
      add_whole(app, "--epochs", t.epochs, {1, 100'000}, "times through the training images");
  add_whole(app, "--iterations", t.iterations, {1, 1'000'000'000}, "steps, instead of --epochs")
      ->default_str("")
      ->excludes(epochs);
  add_whole(app, "--patience", training.patience, {0, 100'000},
            "end after so many epochs without a better validation top-1; 0: any number");
  add_whole(app, "--save-every", training.save_every, {0, 1'000'000'000},
            "iterations after which the state is saved within an epoch; 0: after epochs only");
  add_whole(app, "--keep", training.keep, {0, 100'000},
            "states of the last so many epochs, as epoch-N.state.safetensors, that are kept beside "
            "the best's and the last's");
  add_whole(app, "--limit", data.limit, {0, 1'000'000'000}, "training images a class; 0: all");
  app.add_option("--augment", augment, augment_help())->capture_default_str();
  app.add_option("--normalize", normalize,
                 "of pixels in 0..1: imagenet (its mean and deviation), data (those of the "
                 "training images), none")
      ->check(one_of({"imagenet", "data", "none"}))
      ->capture_default_str();
  add_whole(app, "-b,--batch-size", t.batch_size, {1, 65536}, "images a step");
  optimizer.add_to(app);
  add_whole(app, "-p,--print-freq", training.print_every, {0, 1'000'000'000},
            "iterations between progress lines, if stdout is no terminal; 0: none");
  app.add_option(
         "--images-on", images_on,
         "where training images wait: device (all of them, cut and normalised by a kernel), "
         "host (prepared by --workers, sent one batch ahead), auto (device on a GPU if they "
         "fit); the batches are the same")
      ->check(one_of({"auto", "device", "host"}))
      ->capture_default_str();
  app.add_flag("--watch-nan", training.watch,
               "look at every result for NaN and infinity, and name the operation and layer that "
               "made the first; three times as slow, and done by itself when a loss is not finite");
  app.add_flag("--graph,!--no-graph", t.record,
               "on cuda and sim: record a training step and replay it (a CUDA graph), which gives "
               "the same bits; the default");
  defence.add_to(app);
}

void TrainFlags::add_computing_flags(CLI::App& app) {
  device.add_to(app);
  app.add_flag(
      "--profile", training.profile,
      "before the first step: the time and memory that each layer takes of one, as a table "
      "and in the report");
  auto conv_option =
      app.add_option("--conv", conv, "how convolutions are computed: " + conv_algorithms_help());
  conv_option->capture_default_str();
  app.add_flag("--use-custom-conv", custom_conv, "the coursework's name for --conv im2col")
      ->excludes(conv_option);
  app.add_flag("--sync-bn", training.trainer.sync_bn,
               "with several processes (mpirun -n 4 train_miniplaces ...): batch norms take the "
               "statistics of the whole batch, not of a process's share (docs/distributed.md)");
  app.add_option(
         "--precision", precision,
         "what layers compute in: f32; tf32 (cuda only); bf16, with float32 master weights, "
         "norms, softmax and losses adding up in float32")
      ->check(one_of({"f32", "tf32", "bf16"}))
      ->capture_default_str();
}

void TrainFlags::add_to(CLI::App& app) {
  app.option_defaults()->group(of_task);
  add_task_flags(app);
  app.option_defaults()->group(of_model);
  add_model_flags(app);
  app.option_defaults()->group(of_data);
  data.add_to(app, "of weights, order, augmentation and attacks");
  app.add_option("--validation", validation,
                 "validation images from elsewhere, instead of DATA's; same classes")
      ->type_name("DATA");
  add_whole(app, "--images", data.validation_images, {0, 1'000'000'000},
            "N validation images only, as many of each class; 0: all");
  app.option_defaults()->group(of_training);
  add_training_flags(app);
  app.option_defaults()->group(of_attack);
  attack.add_to(app, "--attack-momentum");
  app.option_defaults()->group(of_computing);
  add_computing_flags(app);
}

// Without an attack in training only --robust-images goes by flags of one.
void TrainFlags::check_unattacked(const CLI::App& app) const {
  const bool measures = defence.robust_images() > 0;
  const std::string useless = given(app, [&](const CLI::Option& o) {
    const std::string name = o.get_name();
    return o.get_group() == of_attack &&
           !(measures && (name == "--attack-eps" || name == "--eps-space"));
  });
  if (!useless.empty())
    throw Error(useless + ": no effect without --adversarial pgd, or --evaluate -a");
  if (defence.name.empty() && app.count("--adversarial-weight"))
    throw Error("--adversarial-weight: no effect without --adversarial");
}

void TrainFlags::check_use(const CLI::App& app) const {
  const auto of_group = [&](const char* group) {
    return given(app, [&](const CLI::Option& o) { return o.get_group() == group; });
  };
  if (start_epoch != 0)
    throw Error("--start-epoch is 0: a run that goes on by --resume knows its epoch");
  const std::string for_training = of_group(of_training), for_attack = of_group(of_attack);
  attack.check();
  for (const char* flag : {"--resume", "--out", "--validation", "--weights"})
    if (app.count(flag) && app.get_option(flag)->as<std::string>().empty())
      throw Error(std::string(flag) + " names a file or folder, not ''");
  if (!weights.empty() && (!resume.empty() || evaluate))
    throw Error("--weights is what a new run starts from: it goes without --resume and --evaluate");
  if (!init.empty() && !weights.empty())
    throw Error("--init goes without --weights, which bring a network's own");
  if (find_lr && (!resume.empty() || evaluate))
    throw Error("--find-lr is for a new run: it goes without --resume and --evaluate");
  if (check_only && evaluate) throw Error("--check is of a run: it goes without --evaluate");
  if (app.count("--draw") && !summary)
    throw Error("--draw goes with --summary, which needs no training");
  if (app.count("--draw") && !drawing.ends_with(".svg"))
    throw Error("--draw writes SVG: a file called something.svg, not '" + printable(drawing) + "'");
  if (summary) {
    if (evaluate || attacked || pictures)
      throw Error("--summary only prints a table: it goes without --evaluate, -a and -v");
    const std::string kept[] = {"data",     "--summary", "--draw",
                                "--resume", "--classes", "--image-size"};
    note_unused(given(app,
                      [&](const CLI::Option& o) {
                        return std::find(std::begin(kept), std::end(kept), o.get_name()) ==
                                   std::end(kept) &&
                               std::find(model_options.begin(), model_options.end(), &o) ==
                                   model_options.end();
                      }),
                "with --summary");
  } else if (evaluate) {
    if (resume.empty())
      throw Error(
          "--evaluate needs a network: give its run's folder or its checkpoint with --resume");
    note_unused(for_training, "with --evaluate");
    if (!attacked) note_unused(for_attack, "without -a");
    if (overwrite) note_unused("--overwrite", "with --evaluate");
    if (app.count("--profile")) note_unused("--profile", "with --evaluate");
    if (head_only) note_unused("--head-only", "with --evaluate");
    if (half_weights) note_unused("--half-weights", "with --evaluate");
    if (training.trainer.sync_bn) note_unused("--sync-bn", "with --evaluate");
    if (out_given() && !pictures) note_unused("--out", "without -v");
  } else {
    if (attacked || pictures)
      throw Error(
          "-a and -v belong to --evaluate; to train on attacked images use --adversarial pgd");
    if (!defence.name.empty())
      defence.check(app, attack);
    else if (resume.empty())
      check_unattacked(app);
    parse_augmentation(augment, 32);  // before anything is read
    optimizer.note_unused();
    if (!resume.empty() && !init.empty())
      note_unused("--init", "with --resume, which goes on as before");
    if (!resume.empty() && app.count("--normalize"))
      note_unused("--normalize", "with --resume, which goes on as before");
  }
}

}  // namespace tweed::app
