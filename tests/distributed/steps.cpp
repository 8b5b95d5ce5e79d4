// Trains some steps as one of the processes that it was started with, and prints the loss of each
// with all digits: for distributed_test, which compares numbers of processes.
//
//   distributed_steps MODEL [sync] [batch=N] [steps=N] [lr=X] [clip=X] [ema=X] [accumulate=N]
//                     [against=DEFENCE] [mix] [bf16] [f64] [load=FILE] [save=FILE]
#include <cstdio>
#include <map>

#include "distributed/process_group.h"
#include "nn/models/models.h"
#include "record/safetensors.h"
#include "train/trainer.h"

using namespace tweed;

namespace {

std::string value_of(const std::map<std::string, std::string>& given, const char* name,
                     const char* usual) {
  const auto found = given.find(name);
  return found == given.end() ? usual : found->second;
}

void save(const Trainer& trainer, const std::string& path, bool leads) {
  const TrainerState state = trainer.state();
  if (!leads) return;
  SafeTensors file;
  for (auto& [name, t] : state.tensors) file.tensors[name] = t;
  file.metadata["iteration"] = std::to_string(state.position.iteration);
  write_safetensors(path, file);
}

void load(Trainer& trainer, const std::string& path) {
  const SafeTensors file = read_safetensors(path);
  TrainerState state;
  state.position.iteration = std::stoll(file.metadata.at("iteration"));
  for (auto& [name, t] : file.tensors) state.tensors.push_back({name, t});
  trainer.load(state);
}

int run(const std::string& model, const std::map<std::string, std::string>& given) {
  const Launch launch = launch_of_environment();
  const auto group = launch.alone() ? nullptr : join_group(launch);
  const bool leads = !group || group->leads();
  set_threads(1);
  const DataSplits data = open_dataset(
      "tiny", {.classes = "5", .image_size = 32, .tiny_train = 80, .tiny_validation = 21});
  const int64_t steps = std::stoll(value_of(given, "steps", "50"));
  TrainerOptions options{.lr = std::stod(value_of(given, "lr", "0.02")),
                         .epochs = 100,
                         .batch_size = std::stoll(value_of(given, "batch", "16"))};
  options.image_size = 32;
  options.seed = 3;
  options.clip_grad = std::stod(value_of(given, "clip", "0"));
  options.ema = std::stod(value_of(given, "ema", "0"));
  options.accumulate = std::stoi(value_of(given, "accumulate", "1"));
  options.adversarial = value_of(given, "against", "");
  options.augmentation =
      parse_augmentation(given.count("mix") ? "mirror,crop,mixup" : "mirror,crop", 32);
  if (given.count("bf16")) options.compute = DType::bfloat16;
  if (!options.adversarial.empty()) {
    options.defence = DefenceOptions{};
    options.defence->attack.space =
        pixel_space(8 / 255., 2 / 255., options.normalization.mean, options.normalization.std);
    options.defence->attack.steps = 3;
  }
  options.group = group;
  options.sync_bn = given.count("sync") > 0;
  const ModulePtr network = make_model(model, {.classes = 5, .seed = 3, .image_size = 32});
  if (given.count("f64")) {
    network->to(DType::float64);
    options.compute = DType::float64;
  }
  Trainer trainer(network, data.train, options);
  if (given.count("load")) load(trainer, given.at("load"));
  ScoreSums before = trainer.position().score;
  for (int64_t i = 0; i < steps; ++i) {
    if (!trainer.step()) {
      trainer.end_epoch();
      before = {};
      if (!trainer.step()) return 1;
    }
    trainer.score();
    const ScoreSums now = trainer.position().score;
    if (leads) std::printf("%.10f\n", (now.loss - before.loss) / double(now.count - before.count));
    before = now;
  }
  if (given.count("save")) save(trainer, given.at("save"), leads);
  const Score score = trainer.evaluate(data.validation);
  if (leads)
    std::printf("%ld %.4f %.4f %.10f\n", long(score.count), score.top1, score.top5, score.loss);
  if (!group) return 0;
  std::vector<Tensor> weights;
  for (auto& [name, t] : trainer.state().tensors) weights.push_back(t);
  check_agreement(*group, {{"state at the end", digest(weights)}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::map<std::string, std::string> given;
    for (int i = 2; i < argc; ++i) {
      const std::string word = argv[i];
      const auto at = word.find('=');
      given[word.substr(0, at)] = at == std::string::npos ? "" : word.substr(at + 1);
    }
    return run(argv[1], given);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    std::_Exit(1);  // the others are ended by mpirun
  }
}
