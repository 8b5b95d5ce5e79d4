// What a step of training against attacks costs beside a clean one: both take turns on one batch.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>

#include "apps/flags.h"
#include "apps/numbers.h"
#include "benchmarks/timing.h"
#include "data/augment.h"
#include "nn/models/models.h"
#include "optim/sgd.h"
#include "train/defence.h"
#include "train/step.h"

using namespace tweed;

namespace {

struct Flags {
  std::string model = "simplenet", precision = "f32";
  int64_t batch_size = 32, image_size = 64, classes = 10;
  int turns = 9, attack_steps = 10;
  std::vector<std::string> defences = defence_names();
  app::DeviceFlags device;
};

// On a CPU what all threads computed, so that other programs beside this one do not count.
double seconds_of(Device device, const std::function<void()>& f) {
  if (device.is_cuda()) return tweed::seconds_each(device, 1, f);
  auto now = [] {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
  };
  const double before = now();
  f();
  return now() - before;
}

// A network of its own, and its steps.
class Side {
 public:
  Side(const std::string& defence, const Flags& f, Device device, const Tensor& images,
       const Tensor& labels)
      : name(defence.empty() ? "clean" : defence), network_(make_model(f.model, sizes(f))) {
    network_->to(device);
    const DType compute = f.precision == "bf16" ? DType::bfloat16 : DType::float32;
    parameters_ = std::make_unique<ParameterBuffer>(network_->parameters(),
                                                    std::vector<ParameterRule>(), compute);
    sgd_ = std::make_unique<SGD>(*parameters_, SGD::Options{0.01, 0.9, 1e-4});
    StepOptions options;
    if (!defence.empty()) {
      const Normalization n;
      const DefenceOptions attack{
          .attack = {.space = pixel_space(8 / 255., 2 / 255., n.mean, n.std),
                     .steps = f.attack_steps}};
      defence_ = defence_called(defence)(attack, *parameters_, images);
      options.objective = defence_.objective;
      options.after = defence_.after;
    }
    step_ = std::make_unique<Step>(*network_, *parameters_, *sgd_, options, images, labels);
  }
  void step() { (*step_)(number_++); }

  std::string name;
  std::vector<double> times, ratios;  // to the clean step of the same turn

 private:
  static ModelOptions sizes(const Flags& f) {
    return {.classes = f.classes, .image_size = int(f.image_size)};
  }

  ModulePtr network_;
  std::unique_ptr<ParameterBuffer> parameters_;
  std::unique_ptr<SGD> sgd_;
  Defence defence_;
  std::unique_ptr<Step> step_;
  int64_t number_ = 0;
};

// What other work on the machine adds, it adds to the others.
double fastest(const Side& side) { return *std::min_element(side.times.begin(), side.times.end()); }

int run(const Flags& f, Device device) {
  Random random(0, Purpose::test);
  const Shape shape{f.batch_size, f.image_size, f.image_size, 3};
  std::vector<float> pixels(std::size_t(shape.size()));
  for (float& p : pixels) p = random.normal();
  std::vector<int32_t> classes(std::size_t(f.batch_size));
  for (auto& l : classes) l = int32_t(random.below(uint32_t(f.classes)));
  const Tensor images = Tensor::from(pixels, shape, device),
               labels = Tensor::from(classes, {f.batch_size}, device);
  std::vector<std::unique_ptr<Side>> sides;
  sides.push_back(std::make_unique<Side>("", f, device, images, labels));
  for (auto& name : f.defences)
    sides.push_back(std::make_unique<Side>(name, f, device, images, labels));
  constexpr int warm = 3;  // which a GPU records in
  for (auto& side : sides)
    for (int i = 0; i < (device.is_cuda() ? warm : 1); ++i) side->step();
  for (int turn = 0; turn < f.turns; ++turn)
    for (auto& side : sides) {
      side->times.push_back(seconds_of(device, [&] { side->step(); }));
      side->ratios.push_back(side->times.back() / sides[0]->times.back());
    }
  std::printf("%s, %ld images of %ldx%ld, attacks of %d steps, on %s\n", f.model.c_str(),
              long(f.batch_size), long(f.image_size), long(f.image_size), f.attack_steps,
              app::device_text(device).c_str());
  for (auto& side : sides)
    std::printf("  %-8s %9.2f ms  %6.2f clean steps; fastest %9.2f ms, %6.2f\n", side->name.c_str(),
                1e3 * bench::median(side->times), bench::median(side->ratios), 1e3 * fastest(*side),
                fastest(*side) / fastest(*sides[0]));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("defence_bench", [&] {
    CLI::App flags{"Times a training step of each defence beside a clean one", "defence_bench"};
    auto f = std::make_shared<Flags>();
    flags.add_option("--model", f->model, "the network")->capture_default_str();
    app::add_whole(flags, "--batch-size", f->batch_size, {1, 65536}, "images a step");
    app::add_whole(flags, "--image-size", f->image_size, {1, 4096}, "pixels of a side");
    app::add_whole(flags, "--attack-steps", f->attack_steps, {1, 1000}, "steps of attacks");
    app::add_whole(flags, "--turns", f->turns, {1, 10'000}, "of which the median counts");
    flags.add_option("--precision", f->precision, "f32 or bf16")
        ->check(app::one_of({"f32", "bf16"}))
        ->capture_default_str();
    flags.add_option("--defences", f->defences, "which, with commas; default: all")
        ->delimiter(',')
        ->check(app::one_of(defence_names()));
    f->device.add_to(flags);
    app::parse(flags, {argv + 1, argv + argc});
    const Device device = f->device.open();
    return [f, device] { return run(*f, device); };
  });
}
