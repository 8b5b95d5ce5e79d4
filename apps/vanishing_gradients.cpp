// Shows how gradients vanish in a deep network, and what cures it. See --help.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/app.h"
#include "apps/flags.h"
#include "apps/json_output.h"
#include "apps/numbers.h"
#include "kernels/machine/printable.h"
#include "nn/models/models.h"
#include "record/draw/curves.h"
#include "train/trainer.h"

using namespace tweed;
using namespace tweed::app;

namespace {

struct Flags {
  DataFlags data;
  std::vector<std::string> models{"conv_only", "conv_only_deep", "conv_only_cured",
                                  "conv_only_dirac"};
  int64_t iterations = 200, batch_size = 100;
  double lr = 0.005;  // deep networks without batch norm bear no large one
  std::string out = "vanishing.png";
  bool json = false;
  DeviceFlags device;
};

// What each step of a network's training came to.
struct Course {
  std::string model;
  std::vector<StepResult> steps;
};

double median(std::vector<double> values) {
  if (values.empty()) return NAN;
  const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

template <class F>
std::vector<double> each(const Course& course, F value) {
  std::vector<double> all;
  for (auto& step : course.steps) all.push_back(value(step));
  return all;
}
double first_of(const StepResult& s) { return s.first_gradient; }
double last_of(const StepResult& s) { return s.last_gradient; }
double loss_of(const StepResult& s) { return s.score.loss; }

struct Work {
  Flags flags;
  Device device;
  DataSplits data;
  std::vector<Course> courses = {};

  int run();
  ModulePtr make(const std::string& model) const;
  bool train(const std::string& model);
  void show(const Course& course) const;
  void draw() const;
  Json described() const;
};

ModulePtr Work::make(const std::string& model) const {
  return make_model(model, {.classes = int64_t(data.train.classes().size()),
                            .seed = flags.data.seed,
                            .image_size = data.image_size});
}

// False after Ctrl-C.
bool Work::train(const std::string& model) {
  const ModulePtr network = make(model);
  network->to(device);
  Trainer trainer(network, data.train,
                  {.lr = flags.lr,
                   .iterations = flags.iterations,
                   .batch_size = flags.batch_size,
                   .weight_decay = 1e-4,
                   .image_size = data.image_size,
                   .seed = flags.data.seed,
                   .workers = flags.data.workers,
                   .log_steps = true});
  Course course{model, {}};
  ProgressLine line;
  while (!trainer.done()) {
    while (trainer.step()) {
      if (interrupted()) return false;
      const int64_t done =
          trainer.position().epoch * trainer.iterations_per_epoch() + trainer.position().iteration;
      line.update(model, done, flags.iterations, "");
    }
    for (auto& step : trainer.new_steps()) course.steps.push_back(step);
    trainer.score();
    trainer.end_epoch();
  }
  line.clear();
  show(course);
  courses.push_back(course);
  return true;
}

void Work::show(const Course& course) const {
  const auto losses = each(course, loss_of);
  say("%-20s %8.3f %8.3f %12.1e %12.1e\n", printable(course.model).c_str(), losses.front(),
      losses.back(), median(each(course, first_of)), median(each(course, last_of)));
  std::fflush(stdout);
}

void Work::draw() const {
  std::vector<Plot> plots{{"loss of each batch", "iteration", {}},
                          {"first convolution: log10 of max |dL/dw|", "iteration", {}},
                          {"last convolution: log10 of max |dL/dw|", "iteration", {}}};
  const auto log10_of = [](double v) { return std::log10(v); };  // of 0: a gap
  for (auto& course : courses) {
    plots[0].series.push_back({course.model, {}, each(course, loss_of)});
    plots[1].series.push_back(
        {course.model, {}, each(course, [&](auto& s) { return log10_of(first_of(s)); })});
    plots[2].series.push_back(
        {course.model, {}, each(course, [&](auto& s) { return log10_of(last_of(s)); })});
  }
  draw_curves(flags.out, "Gradients on their way to the first layer", plots);
}

Json Work::described() const {
  Json all = Json::array();
  for (auto& course : courses) {
    auto numbers = [&](auto value) {
      Json list = Json::array();
      for (const double v : each(course, value)) list.push_back(json_number(v));
      return list;
    };
    all.push_back({{"model", course.model},
                   {"loss", numbers(loss_of)},
                   {"first_gradient", numbers(first_of)},
                   {"last_gradient", numbers(last_of)}});
  }
  return {{"picture", flags.out}, {"networks", all}};
}

int Work::run() {
  say("%-20s %8s %8s %12s %12s\n", "", "first", "last", "first conv.", "last conv.");
  say("%-20s %8s %8s %25s\n", "network", "loss", "loss", "median of max |dL/dw|");
  for (auto& model : flags.models)
    if (!train(model)) return 130;
  draw();
  say("wrote %s\n", printable(flags.out).c_str());
  if (flags.json) print_json(described());
  return 0;
}

void add_flags(CLI::App& app, Flags& f) {
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  f.data.add_to(app, "of weights, order, and tiny's images");
  app.add_option("--models", f.models, "networks to train, comma-separated")
      ->delimiter(',')
      ->take_all()
      ->check(one_of(model_names()))
      ->default_str("conv_only,conv_only_deep,conv_only_cured,conv_only_dirac");
  add_whole(app, "--iterations", f.iterations, {1, 1'000'000}, "steps of each network");
  add_whole(app, "-b,--batch-size", f.batch_size, {1, 100'000}, "images a step");
  add_number(app, "--lr,--learning-rate", f.lr, above_zero,
             "learning rate at the start of a cosine");
  app.add_option("--out", f.out, "the picture to write (PNG)")->capture_default_str();
  add_json_to(app, f.json);
  f.device.add_to(app);
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Trains a network of convolutions, the same with 20 more of them, and two cures (residual "
      "connections; better initial weights), and draws how large the gradients of the first and of "
      "the last convolution are.\n\n"
      "  vanishing_gradients                                      drawn scenes\n"
      "  vanishing_gradients datasets/cifar-10-batches-bin --iterations 2000\n",
      "vanishing_gradients");
  auto work = std::make_shared<Work>();
  Flags& f = work->flags;
  f.data.image_size = 32;
  add_flags(app, f);
  parse(app, argc, argv);
  work->device = f.device.open();
  check_output_file(f.out);
  work->data = f.data.open(Splits::train);
  for (auto& model : f.models) {
    CheckpointInfo info;
    info.model = model;
    info.image_size = work->data.image_size;
    check_image_size(*work->make(model), info);
  }
  return [work] { return work->run(); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("vanishing_gradients", [&] { return prepare(argc, argv); });
}
