// Times whole training steps on one fixed batch, and takes turns with PyTorch if asked to.
#include <cstdio>
#include <memory>

#include "apps/app.h"
#include "autograd/conv.h"
#include "autograd/loss.h"
#include "benchmarks/conv_shapes.h"
#include "benchmarks/peak.h"
#include "benchmarks/rival.h"
#include "benchmarks/timing.h"
#include "kernels/conv_direct.h"
#include "nn/models/models.h"
#include "nn/summary.h"
#include "optim/sgd.h"

using namespace tweed;

namespace {

struct Flags {
  std::string model = "simplenet", conv = "auto";
  int64_t batch_size = 32, image_size = 128, classes = 100;
  int pairs = 10, steps = 3;
  std::vector<std::string> python;
  app::DeviceFlags device;
};

class Step {
 public:
  Step(const Flags& f, Device device)
      : network_(make_model(f.model, {.classes = f.classes, .image_size = f.image_size})) {
    network_->to(device);
    parameters_ = std::make_unique<ParameterBuffer>(network_->parameters());
    sgd_ = std::make_unique<SGD>(*parameters_, SGD::Options{0.01, 0.9, 1e-4});
    Random random(0, Purpose::test);
    Shape shape{f.batch_size, f.image_size, f.image_size, 3};
    std::vector<float> pixels(std::size_t(shape.size()));
    for (float& p : pixels) p = random.normal();
    std::vector<int32_t> labels(std::size_t(f.batch_size));
    for (auto& l : labels) l = int32_t(random.below(uint32_t(f.classes)));
    x_ = Tensor::from(pixels, shape, device);
    labels_ = Tensor::from(labels, {f.batch_size}, device);
  }
  Module& network() { return *network_; }
  const Shape& images() const { return x_.shape(); }
  std::vector<LayerCost> costs() { return layer_costs(*network_, images()); }
  /// Milliseconds.
  double run() {
    return 1e3 * bench::seconds([&] {
             Tensor loss = cross_entropy((*network_)(x_), labels_);
             parameters_->zero_grad();
             backward(loss);
             sgd_->step();
             loss.item();
           });
  }
  double run(int steps) {
    std::vector<double> times;
    for (int i = 0; i < steps; ++i) times.push_back(run());
    return bench::median(times);
  }

 private:
  ModulePtr network_;
  std::unique_ptr<ParameterBuffer> parameters_;
  std::unique_ptr<SGD> sgd_;
  Tensor x_, labels_;
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

void report_implementations(Module& network, const Shape& images) {
  std::printf("oneDNN runs (forward, weight gradient, input gradient):\n");
  bool reference = false;
  for (auto& [conv, count, input_count] : bench::convolutions_of(network, images)) {
    std::printf("  %4ld to %4ld channels, %ldx%ld:", long(conv.window.C), long(conv.out_channels),
                long(conv.window.kernel), long(conv.window.kernel));
    for (auto& name : conv_direct_implementations(conv)) std::printf("  %s", name.c_str());
    std::printf("\n");
    reference |= !conv_direct_is_fast(conv);
  }
  std::printf("%s\n", reference ? "REFERENCE CODE is among them" : "no reference code among them");
}

int bench(const Flags& f, Device device) {
  Step step(f, device);
  const auto costs = step.costs();
  const double flops = flops_per_step(costs), peak = bench::fma_peak(threads());
  std::printf("%s, batch %ld, %ldx%ld, %s, %.1f GFLOP a step, FMA peak %.0f GFLOP/s\n",
              f.model.c_str(), long(f.batch_size), long(f.image_size), long(f.image_size),
              device.name().c_str(), flops / 1e9, peak);
  if (device.kind() == Device::Kind::cpu && conv_algorithm() != ConvAlgorithm::im2col)
    report_implementations(step.network(), step.images());
  step.run(3);  // warms up pool, primitives and caches

  std::vector<std::unique_ptr<bench::Rival>> rivals;
  std::vector<std::string> names;
  for (auto& python : f.python)
    for (bool tuned : {true, false}) {
      rivals.push_back(std::make_unique<bench::Rival>(
          std::vector<std::string>{python, bench::script("torch_train_bench.py"), "--serve",
                                   "--model", f.model, "--batch-size", std::to_string(f.batch_size),
                                   "--image-size", std::to_string(f.image_size), "--threads",
                                   std::to_string(threads())},
          tuned ? bench::tuned_malloc() : std::vector<std::string>()));
      names.push_back((tuned ? "malloc tuned: " : "as shipped:   ") + rivals.back()->description());
    }

  std::vector<double> ours;
  std::vector<std::vector<double>> theirs(rivals.size()), ratios(rivals.size());
  for (int pair = 0; pair < f.pairs && !app::interrupted(); ++pair) {
    ours.push_back(step.run(f.steps));
    for (std::size_t r = 0; r < rivals.size(); ++r) {
      theirs[r].push_back(rivals[r]->number("step " + std::to_string(f.steps)));
      ratios[r].push_back(ours.back() / theirs[r].back());
    }
  }
  const double ms = bench::median(ours);
  std::printf("Tweed    %7.1f ms a step   %6.0f images/s   %6.1f GFLOP/s   %.0f %% of peak\n", ms,
              double(f.batch_size) / ms * 1e3, flops / ms / 1e6, 100 * flops / ms / 1e6 / peak);
  for (std::size_t r = 0; r < rivals.size(); ++r)
    std::printf("PyTorch  %7.1f ms a step   Tweed/PyTorch %.3f (median of %d pairs)   %s\n",
                bench::median(theirs[r]), bench::median(ratios[r]), f.pairs, names[r].c_str());
  return 0;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App flags(
      "Times training steps: forward, backward and SGD on one batch in memory. With --python, "
      "PyTorch takes turns with it, once with its memory allocator tuned and once as shipped.\n"
      "Set OMP_WAIT_POLICY=passive on shared machines.",
      "train_bench");
  auto f = std::make_shared<Flags>();
  flags.add_option("--model", f->model)->check(CLI::IsMember(model_names()))->capture_default_str();
  flags.add_option("--batch-size", f->batch_size)
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  flags.add_option("--image-size", f->image_size)
      ->check(CLI::Range(8, 1024))
      ->capture_default_str();
  flags.add_option("--conv", f->conv, "auto, im2col or direct")->capture_default_str();
  flags.add_option("--pairs", f->pairs, "turns")->check(CLI::Range(1, 1000))->capture_default_str();
  flags.add_option("--steps", f->steps, "steps in a turn, of which the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  flags.add_option("--python", f->python, "a Python with PyTorch; may be given several times");
  f->device.add_to(flags);
  app::parse(flags, argc, argv);
  Device device = f->device.open();
  set_conv_algorithm(parse_conv_algorithm(f->conv));
  return [=] { return bench(*f, device); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("train_bench", [&] { return prepare(argc, argv); });
}
