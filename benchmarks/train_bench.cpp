// Times whole training steps on one fixed batch, and takes turns with PyTorch if asked to.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/flags.h"
#include "apps/processes.h"
#include "autograd/conv.h"
#include "benchmarks/rival.h"
#include "benchmarks/timing.h"
#include "data/feed.h"
#include "data/whole_file.h"
#include "nn/models/models.h"
#include "nn/summary.h"
#include "optim/sgd.h"
#include "record/draw/curves.h"
#include "train/image_form.h"
#include "train/limits.h"
#include "train/shared_step.h"
#include "train/step.h"

using namespace tweed;

namespace {

struct Flags {
  std::string model = "simplenet", conv = "auto";
  int64_t batch_size = 32, image_size = 128, classes = 100;
  int pairs = 10, steps = 3;
  std::vector<std::string> python, modes{"eager"};
  std::string json, curves, precision = "f32";
  int64_t epoch = 0;
  bool recorded = true, quick = false, overlap = true;
  std::shared_ptr<ProcessGroup> group;  // null for one process
  app::DeviceFlags device;
};

class Bench {
 public:
  Bench(const Flags& f, Device device)
      : network_(make_model(f.model, {.classes = f.classes, .image_size = f.image_size})),
        device_(device),
        recorded_(f.recorded) {
    network_->to(device);
    const BatchShare share = f.group ? BatchShare{f.group->rank(), f.group->size()} : BatchShare{};
    const int64_t images = share.images(f.batch_size);
    const Shape shape{images, f.image_size, f.image_size, 3};
    costs_ = layer_costs(*network_, shape);
    share_ = double(images) / double(f.batch_size);
    const DType compute = f.precision == "bf16" ? DType::bfloat16 : DType::float32;
    parameters_ = std::make_unique<ParameterBuffer>(network_->parameters(),
                                                    std::vector<ParameterRule>(), compute);
    sgd_ = std::make_unique<SGD>(*parameters_, SGD::Options{0.01, 0.9, 1e-4});
    Random random(0, Purpose::test);
    if (f.group) {
      shared_ = std::make_unique<SharedStep>(f.group, *parameters_, f.batch_size, share, false);
      shared_->gradients().set_overlap(f.overlap);
    }
    std::vector<float> pixels(std::size_t(shape.size()));
    for (float& p : pixels) p = random.normal();
    std::vector<int32_t> labels(static_cast<std::size_t>(images));
    for (auto& l : labels) l = int32_t(random.below(uint32_t(f.classes)));
    step_on(Tensor::from(pixels, shape, device), Tensor::from(labels, {images}, device));
  }
  /// Of the images that are this process's.
  const std::vector<LayerCost>& costs() const { return costs_; }
  /// Which part of the batch they are.
  double share() const { return share_; }
  /// Null for one process.
  const GradientSum* sum() const { return shared_ ? &shared_->gradients() : nullptr; }
  int64_t steps() const { return number_; }
  /// Milliseconds of a step: the median of `steps`, or on a device that works behind the host's
  /// back their mean.
  double run(int steps) {
    if (device_.is_cuda()) return 1e3 * tweed::seconds_each(device_, steps, [&] { step(); });
    std::vector<double> times;
    for (int i = 0; i < steps; ++i) times.push_back(1e3 * tweed::seconds([&] { step(); }));
    return bench::median(times);
  }
  /// Seconds of an epoch, its images cut, mirrored and normalised on the way.
  double run_epoch(const Dataset& data, const LoaderOptions& options) {
    const int64_t size = options.image_size;
    Feed feed(data, device_, options, Residence::automatic,
              image_form(*network_, {options.batch_size, size, size, 3}));
    step_on(feed.images(), feed.labels(), [&] { feed.load(); });
    feed.start_epoch(0);
    for (int i = 0; i < 4 && feed.next(); ++i) step();  // warms up, and records
    feed.start_epoch(1);
    const double seconds = tweed::seconds([&] {
      while (feed.next()) step();
      synchronize(device_);
    });
    step_.reset();
    return seconds;
  }

 private:
  void step_on(const Tensor& images, const Tensor& labels, std::function<void()> load = {}) {
    step_ = std::make_unique<Step>(*network_, *parameters_, *sgd_,
                                   StepOptions{.record = recorded_, .shared = shared_.get()},
                                   images, labels, load);
  }
  void step() { (*step_)(number_++); }

  ModulePtr network_;
  Device device_;
  bool recorded_;
  std::vector<LayerCost> costs_;
  double share_ = 1;
  std::unique_ptr<ParameterBuffer> parameters_;
  std::unique_ptr<SGD> sgd_;
  std::unique_ptr<SharedStep> shared_;
  std::unique_ptr<Step> step_;
  int64_t number_ = 0;
};

// Forward and both gradients, two operations for a multiply-add; nobody needs the first layer's
// input gradient.
double flops_per_step(const std::vector<LayerCost>& costs) {
  double flops = 0, first = 0;
  for (auto& cost : costs) {
    const double pass = 2 * double(cost.multiply_adds);
    if (first == 0) first = pass;
    flops += 3 * pass;
  }
  return flops - first;
}

// PyTorch beside us, in one of its modes.
struct Opponent {
  std::string name;
  std::unique_ptr<bench::Rival> process;
  std::vector<double> times, ratios;
};

Opponent start(const Flags& f, Device device, const std::string& python, const std::string& mode,
               bool tuned) {
  std::vector<std::string> command{python, bench::script("torch_train_bench.py"), "--serve"};
  auto flag = [&](const char* name, const std::string& value) {
    command.insert(command.end(), {name, value});
  };
  flag("--device", device.name());
  flag("--precision", f.precision);
  flag("--mode", mode);
  flag("--model", f.model);
  flag("--batch-size", std::to_string(f.batch_size));
  flag("--image-size", std::to_string(f.image_size));
  flag("--classes", std::to_string(f.classes));
  flag("--threads", std::to_string(threads()));
  std::string name = mode;
  if (!device.is_cuda()) name += tuned ? ", malloc tuned" : ", as shipped";
  const auto environment = tuned ? bench::tuned_malloc() : std::vector<std::string>();
  return {name, std::make_unique<bench::Rival>(command, environment), {}, {}};
}

std::vector<Opponent> opponents(const Flags& f, Device device) {
  std::vector<Opponent> all;
  for (auto& python : f.python)
    for (auto& mode : f.modes) {
      all.push_back(start(f, device, python, mode, true));
      if (!device.is_cuda()) all.push_back(start(f, device, python, mode, false));
    }
  return all;
}

void write_json(const Flags& f, Device device, double ms, double flops, double peak,
                const std::vector<Opponent>& rivals) {
  using Json = nlohmann::ordered_json;
  Json root{{"device", app::device_text(device)},
            {"model", f.model},
            {"batch_size", f.batch_size},
            {"image_size", f.image_size},
            {"precision", f.precision},
            {"ms", ms},
            {"images_a_second", double(f.batch_size) / ms * 1e3},
            {"gflops", flops / ms / 1e6},
            {"peak_gflops", peak / 1e9},
            {"rivals", Json::array()}};
  for (auto& rival : rivals)
    root["rivals"].push_back(
        {{"name", rival.name},
         {"description", Json::parse(rival.process->description(), nullptr, false)},
         {"ms", bench::median(rival.times)},
         {"ratio", bench::median(rival.ratios)}});
  WholeFile file(f.json);
  file.write(root.dump(2) + "\n");
  file.commit();
}

int bench(const Flags& f, Device device) {
  Bench step(f, device);
  const bool cpu = device.kind() == Device::Kind::cpu;
  // All processes share the batch, and each has cores, or a GPU, of its own: their peaks add up.
  const int processes = f.group ? f.group->size() : 1;
  const double flops = flops_per_step(step.costs()) / step.share(),
               peak = processes *
                      peak_flops(device, f.precision == "bf16" ? DType::bfloat16 : DType::float32);
  std::printf("%s, batch %ld, %ldx%ld, %s, %.1f GFLOP a step, %s peak %.0f GFLOP/s%s\n",
              f.model.c_str(), long(f.batch_size), long(f.image_size), long(f.image_size),
              device.name().c_str(), flops / 1e9, cpu ? "FMA" : "GEMM", peak / 1e9,
              processes > 1 ? " of all processes" : "");
  step.run(3);  // warms up pool, primitives and caches
  // Counting the costs chose, too, for a forward pass alone.
  for (auto& line : conv_choices())
    if (!line.ends_with("without gradients")) std::printf("%s\n", line.c_str());

  auto rivals = opponents(f, device);
  const double waited = step.sum() ? step.sum()->waited() : 0;
  const int64_t steps = step.steps();
  std::vector<double> ours;
  for (int pair = 0; pair < f.pairs; ++pair) {
    if (app::interrupted()) return 130;
    ours.push_back(step.run(f.steps));
    for (auto& rival : rivals) {
      rival.times.push_back(rival.process->number("step " + std::to_string(f.steps)));
      rival.ratios.push_back(ours.back() / rival.times.back());
    }
  }
  const double ms = bench::median(ours);
  std::printf("Tweed    %7.1f ms a step   %6.0f images/s   %6.1f GFLOP/s   %.0f %% of peak\n", ms,
              double(f.batch_size) / ms * 1e3, flops / ms / 1e6, 100 * flops / ms * 1e3 / peak);
  if (const GradientSum* sum = step.sum())
    std::printf(
        "%d processes: gradients waited for %.2f ms a step, %ld of %ld buckets sent before the end "
        "of the backward pass\n",
        f.group->size(), 1e3 * (sum->waited() - waited) / double(step.steps() - steps),
        long(sum->gone_early()), long(sum->buckets()));
  for (auto& rival : rivals)
    std::printf("PyTorch  %7.1f ms a step   Tweed/PyTorch %.3f (median of %d pairs)   %s: %s\n",
                bench::median(rival.times), bench::median(rival.ratios), f.pairs,
                rival.name.c_str(), rival.process->description().c_str());
  if (!f.json.empty()) write_json(f, device, ms, flops, peak, rivals);
  return 0;
}

// Images of noise, as large as --image-size asks to be cut from.
Dataset noise_images(const Flags& f) {
  std::vector<Sample> samples;
  for (int64_t i = 0; i < f.epoch; ++i)
    samples.push_back({std::to_string(i), int(i % f.classes), i});
  const int side = usual_load_size(int(f.image_size));
  Dataset data(std::vector<std::string>(std::size_t(f.classes), "noise"), samples, side,
               [side](const Sample& s) {
                 Image image{side, side, std::vector<uint8_t>(std::size_t(side * side * 3))};
                 uint64_t state = uint64_t(s.record) + 1;
                 for (auto& p : image.pixels)
                   p = uint8_t((state = state * 6364136223846793005u + 1) >> 56);
                 return image;
               });
  data.decode(threads(), true);
  return data;
}

int bench_epoch(const Flags& f, Device device) {
  const Dataset data = noise_images(f);
  Bench step(f, device);
  const LoaderOptions options{.batch_size = f.batch_size, .image_size = int(f.image_size)};
  const double seconds = step.run_epoch(data, options);
  const int64_t images = f.epoch / f.batch_size * f.batch_size;
  std::printf("%s, batch %ld, %s, %s: an epoch of %ld images took %.2f s, %.0f images/s\n",
              f.model.c_str(), long(f.batch_size), f.precision.c_str(), device.name().c_str(),
              long(images), seconds, double(images) / seconds);
  if (f.json.empty()) return 0;
  WholeFile file(f.json);
  file.write(nlohmann::ordered_json{{"device", app::device_text(device)},
                                    {"model", f.model},
                                    {"batch_size", f.batch_size},
                                    {"image_size", f.image_size},
                                    {"precision", f.precision},
                                    {"images", images},
                                    {"seconds", seconds},
                                    {"images_a_second", double(images) / seconds}}
                 .dump(2) +
             "\n");
  file.commit();
  return 0;
}

// How the time of a step grows with the batch and with the images.
int bench_sizes(const Flags& f, Device device) {
  auto ms_of_image = [&](int64_t batch_size, int64_t image_size) {
    Flags at = f;
    at.batch_size = batch_size;
    at.image_size = image_size;
    Bench step(at, device);
    step.run(1);
    std::vector<double> turns;
    for (int i = 0; i < f.pairs && !app::interrupted(); ++i) turns.push_back(step.run(f.steps));
    return turns.empty() ? NAN : bench::median(turns) / double(batch_size);
  };
  const std::string side = std::to_string(f.image_size), name = side + "x" + side;
  Series batches{f.model, {}, {}}, sides{f.model, {}, {}};
  for (int64_t n = 1; n <= (f.quick ? 4 : 512) && !app::interrupted(); n *= 2) {
    batches.x.push_back(double(n));
    batches.y.push_back(ms_of_image(n, f.image_size));
    std::printf("%4ld images of %s: %8.3f ms an image\n", long(n), name.c_str(), batches.y.back());
  }
  for (int64_t n = 32; n <= (f.quick ? 64 : 256) && !app::interrupted(); n += 32) {
    sides.x.push_back(double(n));
    sides.y.push_back(1e6 * ms_of_image(f.batch_size, n) / double(n * n));
    std::printf("%4ld images of %ldx%ld: %8.1f ns a pixel\n", long(f.batch_size), long(n), long(n),
                sides.y.back());
  }
  if (app::interrupted()) return 130;
  draw_curves(f.curves, f.model + ", a training step on " + app::device_text(device),
              {{"ms an image of " + name, "images in a batch", {batches}, true},
               {"ns a pixel, " + std::to_string(f.batch_size) + " images in a batch",
                "pixels along a side",
                {sides}}});
  return 0;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App flags(
      "Times training steps: forward, backward and SGD on one batch in the device's memory. With "
      "--python PyTorch takes turns with it in each of --modes, on cpu once with its memory "
      "allocator tuned and once as shipped.\n"
      "Threads that wait sleep after some 30 us, unless OMP_WAIT_POLICY says otherwise.",
      "train_bench");
  auto f = std::make_shared<Flags>();
  flags.add_option("--model", f->model)->check(CLI::IsMember(model_names()))->capture_default_str();
  auto* batch_size = flags.add_option("--batch-size", f->batch_size)
                         ->check(CLI::Range(1, 4096))
                         ->capture_default_str();
  auto* image_size = flags.add_option("--image-size", f->image_size)
                         ->check(CLI::Range(8, 1024))
                         ->capture_default_str();
  flags.add_option("--conv", f->conv, "how convolutions are computed, as for train_miniplaces")
      ->capture_default_str();
  auto* pairs = flags.add_option("--pairs", f->pairs, "turns")
                    ->check(CLI::Range(1, 1000))
                    ->capture_default_str();
  auto* steps =
      flags.add_option("--steps", f->steps, "steps in a turn, of which the median counts")
          ->check(CLI::Range(1, 1000))
          ->capture_default_str();
  flags.add_flag("--quick", f->quick,
                 "two images of 32 x 32, one turn of one step, unless other flags say it, to see "
                 "that everything runs; always so on sim and on an emulated GPU");
  flags.add_option("--python", f->python, "a Python with PyTorch; may be given several times");
  flags.add_option("--modes", f->modes, "how PyTorch runs: eager, compiled, graph (cuda only)")
      ->delimiter(',')
      ->check(CLI::IsMember({"eager", "compiled", "graph"}))
      ->capture_default_str();
  flags.add_option("--precision", f->precision, "of both sides: f32, tf32 (cuda only), bf16")
      ->check(CLI::IsMember({"f32", "tf32", "bf16"}))
      ->capture_default_str();
  flags.add_flag("--graph,!--no-graph", f->recorded,
                 "on cuda and sim: record a step and replay it; the default");
  flags
      .add_option("--epoch", f->epoch,
                  "time an epoch of that many images of noise instead, with loading and "
                  "augmentation, without a rival")
      ->check(CLI::Range(1, 10'000'000));
  flags.add_option("--curves", f->curves,
                   "time batches of 1 to 512 images and images of 32 to 256 pixels instead, and "
                   "draw the time of an image and of a pixel into this PNG file");
  flags.add_flag(
      "--overlap,!--no-overlap", f->overlap,
      "of several processes, which mpirun starts: send gradients while the backward pass "
      "goes on; the default");
  flags.add_option("--json", f->json, "write everything to this file");
  f->device.add_to(flags);
  app::parse(flags, argc, argv);
  if (!f->json.empty()) app::make_output_folder(app::folder_of(f->json));
  f->group = app::join_processes();
  if (f->group && (f->epoch || !f->curves.empty() || !f->python.empty() || !f->json.empty()))
    throw Error("several processes go with none of --epoch, --curves, --python and --json");
  if (!f->curves.empty()) app::make_output_folder(app::folder_of(f->curves));
  if (!f->curves.empty() && (f->epoch || !f->python.empty() || !f->json.empty()))
    throw Error("--curves goes with none of --epoch, --python and --json");
  const Device device = app::open_device(f->device, f->group);
  if (std::count(f->modes.begin(), f->modes.end(), "graph") && !device.is_cuda())
    throw Error("--modes graph is for cuda");
  f->quick = f->quick || is_simulated(device);
  if (f->quick) {
    if (!batch_size->count()) f->batch_size = 2;
    if (!image_size->count()) f->image_size = 32;
    if (!pairs->count()) f->pairs = 1;
    if (!steps->count()) f->steps = 1;
  }
  set_conv_algorithm(device, parse_conv_algorithm(f->conv));
  set_tf32(device, f->precision == "tf32");
  if (f->epoch && f->epoch < 8 * f->batch_size) throw Error("--epoch needs at least 8 batches");
  if (f->epoch) return [=] { return bench_epoch(*f, device); };
  if (!f->curves.empty()) return [=] { return bench_sizes(*f, device); };
  return [=] { return bench(*f, device); };
}

}  // namespace

int main(int argc, char** argv) {
  const int code = app::run("train_bench", [&] { return prepare(argc, argv); });
  app::leave_processes();
  return code;
}
