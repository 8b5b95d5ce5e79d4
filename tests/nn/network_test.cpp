// Whole networks and whole training steps against stored PyTorch results (tests/golden/README.md).
#include <cmath>

#include "apps/paths.h"
#include "attacks/pgd.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/pool.h"
#include "explain/saliency.h"
#include "nn/layers.h"
#include "nn/models/models.h"
#include "optim/schedule.h"
#include "optim/sgd.h"
#include "record/checkpoint.h"
#include "tests/catch.h"
#include "tests/ops/formula.h"
#include "tests/support.h"

using namespace tweed;

namespace {

SafeTensors golden(const std::string& name) {
  return read_safetensors(source_path("tests/golden/" + name + ".safetensors"));
}

// SimpleNet's parameters by the formula, element numbers in PyTorch's axis order.
void fill_by_formula(Module& network) {
  uint32_t salt = 0;
  double fan_in = 1;
  for (auto& [name, t] : network.parameters()) {
    bool weight = name.find("weight") != std::string::npos;
    if (weight) fan_in = double(t.size() / t.dim(0));
    double bound = weight ? std::sqrt(6.0 / fan_in) : 1.0 / std::sqrt(fan_in);
    std::vector<float> values(static_cast<std::size_t>(t.size()));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = float(formula(uint32_t(i), salt) * bound);
    Shape shape = t.ndim() == 4 ? Shape{t.dim(0), t.dim(3), t.dim(1), t.dim(2)} : t.shape();
    t.copy_from(from_file_axes(Tensor::from(values, shape)));
    ++salt;
  }
}

// Bytes as (v * scale + offset[c]) in float.
Tensor images(const Tensor& bytes, Device device, const std::array<float, 3>& mean,
              const std::array<float, 3>& std) {
  auto pixels = bytes.to_vector<uint8_t>();
  std::vector<float> values;
  for (std::size_t i = 0; i < pixels.size(); ++i)
    values.push_back((float(pixels[i]) / 255.f - mean[i % 3]) / std[i % 3]);
  return Tensor::from(values, bytes.shape(), device);
}
Tensor symmetric_images(const Tensor& bytes, Device device) {
  std::vector<float> values;
  for (uint8_t p : bytes.to_vector<uint8_t>()) values.push_back(float(p) / 127.5f - 1.0f);
  return Tensor::from(values, bytes.shape(), device);
}

constexpr std::array<float, 3> mean{0.485f, 0.456f, 0.406f}, deviation{0.229f, 0.224f, 0.225f};

// The network is large for the simulator: there one image says enough.
int64_t images_for(Device device) { return device.kind() == Device::Kind::sim ? 1 : 4; }

}  // namespace

TEST_CASE("SimpleNet has the coursework's parameters") {
  CHECK(simplenet({.classes = 100})->parameter_count() == 365028);
}

TEST_CASE("SimpleNet's logits, loss and every gradient are PyTorch's") {
  auto file = golden("simplenet");
  for (const char* algorithm : {"auto", "im2col"}) {
    for (Device device : test_devices()) {
      if (device.kind() == Device::Kind::sim) continue;  // "a small SimpleNet" below
      set_conv_algorithm(device, parse_conv_algorithm(algorithm));
      INFO(device.name());
      auto network = simplenet({.classes = 100});
      fill_by_formula(*network);
      network->to(device);
      Tensor x = symmetric_images(file.tensors.at("images"), device);
      require_grad(x);
      Tensor logits = (*network)(x);
      Tensor loss = cross_entropy(logits, file.tensors.at("labels").to(device));
      CHECK(difference(logits.to_doubles(), file.tensors.at("logits").to_doubles(), 1e-5) == "");
      CHECK(loss.item() == Approx(file.tensors.at("loss").item()).epsilon(1e-5));
      backward(loss);
      for (auto& [name, t] : network->parameters()) {
        INFO(name);
        auto wanted = file.tensors.at("grad/" + name).to_doubles();
        double largest = 0;
        for (double v : wanted) largest = std::max(largest, std::abs(v));
        auto got = to_file_axes(grad(t)).to_doubles();
        for (double& v : got) v /= largest;
        for (double& v : wanted) v /= largest;
        CHECK(difference(got, wanted, 2e-5) == "");
      }
      auto dx = grad(x).slice(0, 1).to_doubles(),
           wanted = file.tensors.at("grad/images_0").to_doubles();
      for (std::size_t i = 0; i < dx.size(); ++i) dx[i] *= 1e3, wanted[i] *= 1e3;
      CHECK(difference(dx, wanted, 1e-4) == "");
    }
  }
  for (Device device : test_devices()) set_conv_algorithm(device, nullptr);
}

TEST_CASE("Ten SGD steps with batch norm give PyTorch's losses and weights") {
  auto file = golden("sgd_steps");
  for (Device device : test_devices()) {
    INFO(device.name());
    Sequential network;
    network.add("conv1", Conv2d(3, 8, 3, {.padding = 1}));
    network.add("bn1", BatchNorm2d(8, {.activation = Activation::relu}));
    network.add("pool", MaxPool2d(2));
    network.add("conv2", Conv2d(8, 16, 3, {.padding = 1}));
    network.add("bn2", BatchNorm2d(16, {.activation = Activation::relu}));
    network.add("average", std::make_shared<GlobalAvgPool>());
    network.add("fc", Linear(16, 5));
    auto state_of = [&](const std::string& prefix) {
      SafeTensors part;
      for (auto& [name, t] : file.tensors)
        if (name.rfind(prefix, 0) == 0) part.tensors[name.substr(prefix.size())] = t;
      return part;
    };
    load_tensors("sgd_steps", state_of("initial/"), network.state());
    network.to(device);
    ParameterBuffer parameters(network.parameters());
    SGD sgd(parameters, {.lr = 0.1, .momentum = 0.9, .weight_decay = 1e-4});
    Schedule rate = warm_up(3, cosine(0.1, 7, 1e-8));
    Tensor x = symmetric_images(file.tensors.at("images"), device);
    Tensor labels = file.tensors.at("labels").to(device);
    auto losses = file.tensors.at("losses").to_doubles();
    auto rates = file.tensors.at("learning_rates").to_doubles();
    for (int64_t s = 0; s < 10; ++s) {
      INFO("step " << s);
      CHECK(rate(s) == Approx(rates[std::size_t(s)]).margin(1e-12));
      sgd.set_lr(rate(s));
      Tensor loss =
          cross_entropy(network(x.slice(8 * s, 8 * s + 8)), labels.slice(8 * s, 8 * s + 8));
      CHECK(loss.item() == Approx(losses[std::size_t(s)]).epsilon(1e-5));
      parameters.zero_grad();
      backward(loss);
      sgd.step();
    }
    auto last = state_of("final/");
    for (auto& [name, t] : network.state()) {
      INFO(name);
      CHECK(difference(to_file_axes(t).to_doubles(), last.tensors.at(name).to_doubles(), 2e-5) ==
            "");
    }
    network.eval();
    NoGrad no_grad;
    CHECK(difference(network(x.slice(0, 8)).to_doubles(),
                     file.tensors.at("eval_logits").to_doubles(), 1e-4) == "");
  }
}

TEST_CASE("Gradient saliency is PyTorch's") {
  auto file = golden("saliency_pgd");
  for (Device device : test_devices()) {
    INFO(device.name());
    int64_t n = images_for(device);
    auto network = simplenet({.classes = 10});
    fill_by_formula(*network);
    network->to(device);
    Saliency s =
        saliency(*network, images(file.tensors.at("images"), device, mean, deviation).slice(0, n));
    CHECK(difference(s.logits.to_doubles(), file.tensors.at("logits").slice(0, n).to_doubles(),
                     1e-5) == "");
    CHECK(same_bits(s.predicted.to(Device()), file.tensors.at("predicted").slice(0, n).clone()));
    auto got = s.map.to_doubles(), wanted = file.tensors.at("saliency").slice(0, n).to_doubles();
    for (std::size_t i = 0; i < got.size(); ++i) got[i] /= 0.033, wanted[i] /= 0.033;
    CHECK(difference(got, wanted, 1e-4) == "");
  }
}

TEST_CASE("PGD without random start is PyTorch's, in pixels and in the coursework's way") {
  auto file = golden("saliency_pgd");
  for (Device device : test_devices()) {
    int64_t n = images_for(device);
    bool sim = device.kind() == Device::Kind::sim;
    auto network = simplenet({.classes = 10});
    fill_by_formula(*network);
    network->to(device);
    Tensor x = images(file.tensors.at("images"), device, mean, deviation).slice(0, n);
    Tensor labels = file.tensors.at("labels").to(device).slice(0, n);
    for (bool pixel : {true, false}) {
      std::string name = pixel ? "pgd_pixel" : "pgd_normalized";
      for (int steps : {1, 10}) {
        if (sim && steps == 10) continue;
        INFO(device.name() << " " << name << " " << steps << " steps");
        PgdOptions options{.space = pixel ? pixel_space(8 / 255., 2 / 255., mean, deviation)
                                          : normalized_space(0.1, 0.01),
                           .goal = pixel ? AttackGoal::raise_label : AttackGoal::least_likely,
                           .steps = steps,
                           .random_start = false};
        PgdResult result = pgd(*network, x, labels, options);
        auto got = result.images.to_doubles();
        if (pixel)
          for (std::size_t i = 0; i < got.size(); ++i)
            got[i] = got[i] * deviation[i % 3] + mean[i % 3];
        auto wanted =
            file.tensors.at(name + "/after_" + std::to_string(steps)).slice(0, n).to_doubles();
        CHECK(difference(got, wanted, 1e-4) == "");
        if (n < 4) continue;
        auto losses = file.tensors.at(name + "/losses").to_doubles();
        for (int i = 0; i < steps; ++i)
          CHECK(result.losses[std::size_t(i)].item() ==
                Approx(losses[std::size_t(i)]).epsilon(1e-4));
      }
    }
  }
}
