// Times whole training steps on one fixed batch, and takes turns with PyTorch if asked to.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>

#include "apps/app.h"
#include "autograd/conv.h"
#include "autograd/loss.h"
#include "benchmarks/peak.h"
#include "benchmarks/rival.h"
#include "kernels/conv_direct.h"
#include "nn/models/models.h"
#include "optim/sgd.h"

using namespace tweed;

namespace {

struct Flags {
  std::string model = "simplenet", conv = "auto";
  int64_t batch_size = 32, image_size = 128, classes = 100;
  int pairs = 10, steps = 3;
  std::vector<std::string> python;
  std::string script = std::string(TWEED_SOURCE_DIR) + "/benchmarks/torch_train_bench.py";
  app::DeviceFlags device;
};

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  std::size_t n = v.size();
  return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

class Step {
 public:
  Step(const Flags& f, Device device) : network_(make_model(f.model, {.classes = f.classes, .image_size = f.image_size})) {
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
  /// Milliseconds.
  double run() {
    auto start = std::chrono::steady_clock::now();
    Tensor loss = cross_entropy((*network_)(x_), labels_);
    parameters_->zero_grad();
    backward(loss);
    sgd_->step();
    loss.item();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
  }
  double run(int steps) {
    std::vector<double> times;
    for (int i = 0; i < steps; ++i) times.push_back(run());
    return median(times);
  }

 private:
  ModulePtr network_;
  std::unique_ptr<ParameterBuffer> parameters_;
  std::unique_ptr<SGD> sgd_;
  Tensor x_, labels_;
};

// SimpleNet's convolutions for these images.
std::vector<Conv> convolutions(const Flags& f) {
  int64_t size = f.image_size, n = f.batch_size;
  std::vector<Conv> all;
  auto conv = [&](int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
    all.push_back({{n, size, size, in, kernel, stride, kernel / 2}, out});
    size = all.back().window.out_h();
  };
  auto pool = [&] { size = (size + 2 - 3) / 2 + 1; };
  conv(3, 64, 7, 2), pool();
  conv(64, 64, 1), conv(64, 64, 3), conv(64, 256, 1), pool();
  conv(256, 128, 1), conv(128, 128, 3), conv(128, 512, 1);
  return all;
}

// Forward and both gradients, two operations for a multiply-add; nobody needs the first layer's
// input gradient.
double flops_per_step(const Flags& f) {
  double flops = 6.0 * double(f.batch_size * 512 * f.classes);
  for (auto& c : convolutions(f)) {
    double pass = 2.0 * double(c.window.places() * c.window.patch() * c.out_channels);
    flops += pass * (c.window.C == 3 ? 2 : 3);
  }
  return flops;
}

void report_implementations(const Flags& f) {
  std::printf("oneDNN runs (forward, weight gradient, input gradient):\n");
  bool reference = false;
  for (auto& c : convolutions(f)) {
    std::printf("  %4ld to %4ld channels, %ldx%ld:", long(c.window.C), long(c.out_channels),
                long(c.window.kernel), long(c.window.kernel));
    for (auto& name : conv_direct_implementations(c)) std::printf("  %s", name.c_str());
    std::printf("\n");
    reference |= !conv_direct_is_fast(c);
  }
  std::printf("%s\n", reference ? "REFERENCE CODE is among them" : "no reference code among them");
}

int bench(const Flags& f, Device device) {
  double flops = flops_per_step(f), peak = bench::fma_peak(threads());
  std::printf("%s, batch %ld, %ldx%ld, %s, %.1f GFLOP a step, FMA peak %.0f GFLOP/s\n",
              f.model.c_str(), long(f.batch_size), long(f.image_size), long(f.image_size),
              device.name().c_str(), flops / 1e9, peak);
  if (device.kind() == Device::Kind::cpu && conv_algorithm() != ConvAlgorithm::im2col)
    report_implementations(f);
  Step step(f, device);
  step.run(3);  // warms up pool, primitives and caches

  std::vector<std::unique_ptr<bench::Rival>> rivals;
  std::vector<std::string> names;
  for (auto& python : f.python)
    for (bool tuned : {true, false}) {
      std::vector<std::string> environment;
      if (tuned) environment = {"MALLOC_MMAP_MAX_=0", "MALLOC_TRIM_THRESHOLD_=8000000000"};
      rivals.push_back(std::make_unique<bench::Rival>(
          std::vector<std::string>{python, f.script, "--serve", "--model", f.model, "--batch-size",
                                   std::to_string(f.batch_size), "--image-size",
                                   std::to_string(f.image_size), "--threads",
                                   std::to_string(threads())},
          environment));
      names.push_back((tuned ? "malloc tuned: " : "as shipped:   ") + rivals.back()->description());
    }

  std::vector<double> ours;
  std::vector<std::vector<double>> theirs(rivals.size()), ratios(rivals.size());
  for (int pair = 0; pair < f.pairs && !app::interrupted(); ++pair) {
    ours.push_back(step.run(f.steps));
    for (std::size_t r = 0; r < rivals.size(); ++r) {
      theirs[r].push_back(rivals[r]->step(f.steps));
      ratios[r].push_back(ours.back() / theirs[r].back());
    }
  }
  double ms = median(ours);
  std::printf("Tweed    %7.1f ms a step   %6.0f images/s   %6.1f GFLOP/s   %.0f %% of peak\n", ms,
              double(f.batch_size) / ms * 1e3, flops / ms / 1e6, 100 * flops / ms / 1e6 / peak);
  for (std::size_t r = 0; r < rivals.size(); ++r)
    std::printf("PyTorch  %7.1f ms a step   Tweed/PyTorch %.3f (median of %d pairs)   %s\n",
                median(theirs[r]), median(ratios[r]), f.pairs, names[r].c_str());
  return 0;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App flags(
      "Times training steps: forward, backward and SGD on one batch in memory. With --python, "
      "PyTorch "
      "takes turns with it, once with its memory allocator tuned and once as shipped.\n"
      "Set OMP_WAIT_POLICY=passive on shared machines.",
      "train_bench");
  auto f = std::make_shared<Flags>();
  flags.add_option("--model", f->model)
      ->check(CLI::IsMember(model_names()))
      ->capture_default_str();
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
