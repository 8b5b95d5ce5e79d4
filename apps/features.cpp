// A linear classifier on what a network's last layer sees. See --help.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "apps/app.h"
#include "apps/feature_cache.h"
#include "apps/flags.h"
#include "apps/json_output.h"
#include "apps/network_flags.h"
#include "apps/numbers.h"
#include "kernels/machine/printable.h"

using namespace tweed;
using namespace tweed::app;

namespace {

// "1,3,10"
std::vector<double> parse_list(const std::string& text, const std::string& flag,
                               const NumberRange& range) {
  std::vector<double> values;
  std::istringstream parts(text + ",");
  for (std::string part; std::getline(parts, part, ',');)
    values.push_back(parse_number(part, flag, range));
  return values;
}

struct Flags {
  NetworkFlags network;
  DataFlags data;
  DeviceFlags device;
  LinearTraining training;
  std::vector<double> rates{10}, decays{1e-6};
  std::string cache;
  bool as_they_are = false, json = false;
};

struct Work {
  Flags flags;
  Checkpoint checkpoint;
  Device device;
  FeatureSets sets;
  std::string key;
  std::optional<DataSplits> data;  // unless the features were in the cache

  int run();
  bool compute();
  Features features(const char* what, const Dataset& part);
  void announce() const;
};

// What decides features: the weights, how images are prepared, and which. A changed photo under the
// same name is not noticed.
std::string key_of(const Flags& f, const Checkpoint& checkpoint) {
  uint64_t sum = 0xcbf29ce484222325;  // FNV-1a of all numbers
  for (auto& [name, t] : checkpoint.network->state())
    for (double value : t.to_doubles()) sum = (sum ^ std::hash<double>()(value)) * 0x100000001b3;
  const CheckpointInfo& info = checkpoint.info;
  std::error_code none;
  const auto path = std::filesystem::weakly_canonical(f.data.data, none).string();
  return Json({{"model", info.model},
               {"weights", sum},
               {"data", path},
               {"classes", f.data.classes},
               {"limit", f.data.limit},
               {"seed", f.data.seed},
               {"image_size", f.data.image_size},
               {"load_size", f.data.load_size},
               {"mean", info.mean},
               {"std", info.std}})
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

Features Work::features(const char* what, const Dataset& part) {
  EvaluateOptions options = evaluation_of(checkpoint.info, flags.data.workers);
  ProgressLine line;
  options.progress = [&](int64_t done, int64_t total) {
    line.update(what, done, total, std::to_string(done) + "/" + std::to_string(total));
  };
  Features found = features_on(*checkpoint.network, part, options);
  line.clear();
  return found;
}

// False after Ctrl-C.
bool Work::compute() {
  sets.classes = data->train.classes();
  sets.train = features("Features for training", data->train);
  if (interrupted()) return false;
  sets.validation = features("Features for validation", data->validation);
  if (interrupted()) return false;
  data.reset();
  if (!flags.cache.empty()) write_features(flags.cache, key, sets);
  return true;
}

void Work::announce() const {
  say("%s: %ld features of %ld training and %ld validation images of %s, %zu classes%s\n",
      printable(checkpoint.info.model).c_str(), long(sets.train.values.dim(1)),
      long(sets.train.labels.size()), long(sets.validation.labels.size()),
      size_text(checkpoint.info).c_str(), sets.classes.size(),
      sets.from_cache ? (", from " + printable(flags.cache)).c_str() : "");
}

int Work::run() {
  if (!sets.from_cache && !compute()) return 130;
  announce();
  const auto prepared = [&](const Tensor& t) { return flags.as_they_are ? t : unit_rows(t); };
  const Tensor train = prepared(sets.train.values), validation = prepared(sets.validation.values);
  say("%10s %10s %18s %12s\n", "lr", "decay", "mean per class, %", "top-1, %");
  Json rows = Json::array();
  for (double rate : flags.rates)
    for (double decay : flags.decays) {
      if (interrupted()) return 130;
      LinearTraining o = flags.training;
      o.lr = rate;
      o.weight_decay = decay;
      const ModulePtr layer =
          train_linear(train, sets.train.labels, int64_t(sets.classes.size()), o);
      const NoGrad no_grad;
      const ClassAccuracy a = class_accuracy((*layer)(validation), sets.validation.labels);
      say("%10g %10g %18.2f %12.2f\n", rate, decay, a.class_mean, a.top1);
      std::fflush(stdout);
      rows.push_back(
          {{"lr", rate}, {"decay", decay}, {"class_mean", a.class_mean}, {"top1", a.top1}});
    }
  if (flags.json)
    print_json({{"model", checkpoint.info.model},
                {"features", sets.train.values.dim(1)},
                {"training_images", sets.train.labels.size()},
                {"validation_images", sets.validation.labels.size()},
                {"from_cache", sets.from_cache},
                {"classifiers", rows}});
  return 0;
}

void add_flags(CLI::App& app, Flags& f) {
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  f.network.add_checkpoint_to(app);
  f.data.add_to(app, "of the classifier, and of tiny's images");
  f.network.add_to(app);
  add_whole(app, "--limit", f.data.limit, {0, 1'000'000'000}, "training images a class; 0: all");
  app.add_option("--cache", f.cache,
                 "keep the features in this file (safetensors), and take them from it where "
                 "weights, DATA and sizes are the same")
      ->type_name("FILE");
  app.add_flag("--no-unit-length", f.as_they_are,
               "take features as they are; by default each image's are divided by their length");
  add_read(app, "--lr", "X|X,X,X", "10",
           "the classifier's largest learning rate, or several to try",
           [&f](auto& text, auto& flag) { f.rates = parse_list(text, flag, above_zero); });
  add_read(app, "--wd,--weight-decay", "X|X,X,X", "1e-06", "its weight decay, or several to try",
           [&f](auto& text, auto& flag) { f.decays = parse_list(text, flag, {}); });
  add_whole(app, "--epochs", f.training.epochs, {1, 100'000}, "times through the features");
  add_whole(app, "-b,--batch-size", f.training.batch_size, {1, 65536}, "images a step");
  add_json_to(app, f.json);
  f.device.add_to(app);
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Trains a linear classifier on what a network's last layer sees of the images of DATA, each "
      "image's features divided by their length, and tells its accuracy on the validation "
      "images. The network itself stays as it is.\n\n"
      "  features squeezenet.pth --model squeezenet1_0 datasets/pets --cache pets.safetensors\n"
      "  features runs/train DATA --classes 10 --lr 1,3,10 --weight-decay 0,1e-5\n",
      "features");
  auto work = std::make_shared<Work>();
  Flags& f = work->flags;
  add_flags(app, f);
  parse(app, argc, argv);
  work->device = f.device.open();
  f.training.seed = f.data.seed;
  work->checkpoint = f.network.open(app);
  CheckpointInfo& info = work->checkpoint.info;
  CheckpointInfo sizes = info;
  sizes.classes.clear();  // DATA has classes of its own
  f.data.match(sizes);
  info.image_size = f.data.image_size;
  check_image_size(*work->checkpoint.network, info);
  work->key = key_of(f, work->checkpoint);
  if (!f.cache.empty()) make_output_folder(folder_of(f.cache));
  if (!read_features(f.cache, work->key, work->sets)) {
    work->data = f.data.open(Splits::both);
    info.image_size = work->data->image_size;
    work->checkpoint.network->to(work->device);
  }
  return [work] { return work->run(); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("features", [&] { return prepare(argc, argv); });
}
