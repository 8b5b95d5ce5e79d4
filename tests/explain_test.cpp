// Maps of explain/: against captum (tests/golden/README.md), and what each promises.
#include <algorithm>
#include <cmath>

#include "apps/paths.h"
#include "autograd/elementwise.h"
#include "autograd/image_ops.h"
#include "autograd/reduce.h"
#include "explain/grad_cam.h"
#include "explain/guided.h"
#include "explain/integrated.h"
#include "explain/layer_tap.h"
#include "explain/methods.h"
#include "explain/occlusion.h"
#include "explain/rollout.h"
#include "explain/saliency.h"
#include "explain/smooth_grad.h"
#include "nn/activation.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/models/models.h"
#include "nn/watch.h"
#include "record/checkpoint.h"
#include "tests/catch.h"
#include "tests/ops/formula.h"
#include "tests/support.h"

using namespace tweed;

namespace {

// The network of tests/golden/explain.py, in double.
struct Golden {
  explicit Golden(Device device) : device(device) {
    network.add("conv1", Conv2d(3, 6, 3, {.padding = 1, .activation = Activation::relu}))
        .add("pool", MaxPool2d(2))
        .add("conv2", Conv2d(6, 8, 3, {.padding = 1, .bias = false}))
        .add("bn2", BatchNorm2d(8, {.activation = Activation::relu}))
        .add("conv3", Conv2d(8, 8, 3, {.padding = 1}))
        .add("relu3", ReLU())
        .add("average", GlobalAvgPool())
        .add("fc1", Linear(8, 8, {.activation = Activation::relu}))
        .add("fc2", Linear(8, 5));
    network.to(DType::float64);
    network.to(device);
    fill();
    network.eval();
    std::vector<double> values;
    for (uint32_t i = 0; i < 2 * 12 * 12 * 3; ++i) values.push_back(2 * formula(i, 6000));
    x = Tensor::from(values, {2, 12, 12, 3}, device);
  }
  // As models.fill in Python: element numbers in PyTorch's axis order.
  void fill() {
    uint32_t salt = 0;
    for (auto& [name, t] : network.parameters()) {
      const Shape s = t.ndim() == 4 ? Shape{t.dim(0), t.dim(3), t.dim(1), t.dim(2)} : t.shape();
      const bool weight = name.ends_with("weight"), wide = weight && t.ndim() > 1;
      const double fan_in = double(t.size()) / double(t.dim(0));
      std::vector<double> values;
      for (uint32_t i = 0; i < uint32_t(t.size()); ++i) {
        const double u = formula(i, salt);
        values.push_back(
            double(float(wide ? u * std::sqrt(6.0 / fan_in) : 0.2 * u + (weight ? 1 : 0))));
      }
      t.copy_from(from_file_axes(Tensor::from(values, s)));
      ++salt;
    }
  }
  Tensor noise(int64_t image, int64_t first, int64_t count) const {
    const int64_t one = 12 * 12 * 3, start = (image * 6 + first) * one;
    std::vector<double> values;
    for (int64_t i = start; i < start + count * one; ++i)
      values.push_back(double(float(0.3 * formula(uint32_t(i), 6001))));
    return Tensor::from(values, {count, 12, 12, 3}, device);
  }
  Tensor targets(const std::string& name) const { return file.tensors.at(name).to(device); }
  // Relative to the largest value.
  void check(const Tensor& got, const std::string& name, double tolerance = 1e-9) const {
    INFO(name << " on " << device.name());
    auto wanted = file.tensors.at(name).to_doubles(), values = got.to_doubles();
    double largest = 0;
    for (double v : wanted) largest = std::max(largest, std::abs(v));
    if (largest > 0)
      for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] /= largest, values.at(i) /= largest;
    CHECK(difference(values, wanted, tolerance) == "");
  }

  Device device;
  SafeTensors file = read_safetensors(source_path("tests/golden/explain.safetensors"));
  Sequential network;
  Tensor x;
};

// A small network for what is not compared, in float32.
std::unique_ptr<Sequential> small(Device device = {}) {
  const InitSeed seed(4);
  auto net = std::make_unique<Sequential>();
  net->add("conv1", Conv2d(3, 4, 3, {.padding = 1, .activation = Activation::relu}))
      .add("conv2", Conv2d(4, 6, 3, {.stride = 2, .padding = 1, .activation = Activation::relu}))
      .add("average", GlobalAvgPool())
      .add("fc", Linear(6, 4));
  net->to(device);
  return net;
}

}  // namespace

TEST_CASE("Maps for the predicted class and another are captum's") {
  for (Device device : test_devices()) {
    const Golden g(device);
    auto& network = const_cast<Sequential&>(g.network);
    g.check(network(g.x), "logits");
    for (const std::string name : {"predicted", "others"}) {
      const Tensor t = g.targets(name);
      const ClassScore logit = ClassScore::logit;
      g.check(input_gradient(network, g.x, t, logit), name + "/gradient");
      g.check(input_x_gradient(network, g.x, t), name + "/input_x_gradient");
      g.check(guided_gradient(network, g.x, t), name + "/guided");
      // Parts that do not divide the whole.
      ExplainOptions options{.steps = 20, .samples = 6, .window = 4, .stride = 3, .at_once = 7};
      // captum has the steps' places in float.
      g.check(integrated_gradients(network, g.x, t, options), name + "/integrated_gradients", 1e-7);
      options.at_once = 4;
      const auto moments = smooth_gradients(
          network, g.x, t, options,
          [&](int64_t n, int64_t first, int64_t count) { return g.noise(n, first, count); });
      g.check(moments.mean, name + "/smoothgrad");
      g.check(moments.variance, name + "/vargrad");
      g.check(occlusion(network, g.x, t, options), name + "/occlusion", 1e-6);  // there in float
      for (const char* layer : {"conv1", "bn2", "relu3"}) {
        options.layer = layer;
        g.check(grad_cam(network, g.x, t, options), name + "/grad_cam/" + layer);
      }
    }
  }
}

TEST_CASE("Every method gives a map of the image, for any class, by its name") {
  for (Device device : test_devices()) {
    const auto network = small(device);
    const bool sim = device.kind() == Device::Kind::sim;
    const Tensor x = random_tensor({2, 8, 8, 3}, DType::float32, device, 1);
    ExplainOptions options{.steps = 3, .samples = 3, .window = 4, .at_once = 2};
    for (auto& method : explain_methods()) {
      if (std::string(method.name) == "rollout") continue;
      INFO(method.name << " on " << device.name());
      const Explanation found = explain(*network, x, method, options);
      CHECK(found.map.shape() == Shape{2, 8, 8});
      CHECK(found.logits.shape() == Shape{2, 4});
      double least = 0, largest = 0;
      for (double v : found.map.to_doubles()) {
        CHECK(std::isfinite(v));
        least = std::min(least, v);
        largest = std::max(largest, v);
      }
      CHECK((least < 0) == method.has_sign);
      if (sim) continue;
      const auto other = [&](int32_t a, int32_t b) {
        return explain(*network, x, method, options, Tensor::from<int32_t>({a, b}, {2}, device));
      };
      const auto predicted = found.targets.to_vector<int32_t>();
      CHECK(same_bits(other(predicted[0], predicted[1]).map, found.map));
      CHECK(!same_bits(other((predicted[0] + 1) % 4, (predicted[1] + 1) % 4).map, found.map));
      CHECK_THROWS_WITH(other(0, 4), Contains("target 4 is none of 4 classes"));
    }
  }
}

TEST_CASE("An image's map does not depend on the images beside it") {
  const auto network = small();
  const Tensor x = random_tensor({2, 8, 8, 3}, DType::float32, {}, 2);
  const ExplainOptions options{.steps = 4, .samples = 4, .window = 4};
  for (auto& method : explain_methods()) {
    if (std::string(method.name) == "rollout") continue;
    INFO(method.name);
    const Tensor both = explain(*network, x, method, options).map,
                 first = explain(*network, x.slice(0, 1), method, options).map;
    CHECK(difference(both.slice(0, 1).to_doubles(), first.to_doubles(), 1e-6) == "");
  }
}

TEST_CASE("Integrated gradients add up to the difference of scores, the nearer the more steps") {
  const auto network = small();
  const Tensor x = random_tensor({1, 8, 8, 3}, DType::float32, {}, 3, -2, 2),
               target = Tensor::from<int32_t>({1}, {1}), black = Tensor::full({1}, -1);
  ExplainOptions options{.baseline = black};
  const Tensor start = Tensor::full(x.shape(), -1);
  const double wanted = scores_of(*network, x, target, ClassScore::logit).item() -
                        scores_of(*network, start, target, ClassScore::logit).item();
  double before = 1e9;
  for (int64_t steps : {1, 10, 300}) {
    options.steps = steps;
    const double error =
        std::abs(sum(integrated_gradients(*network, x, target, options)).item() - wanted);
    CHECK(error < before);
    before = error;
  }
  CHECK(before < 1e-2 * std::abs(wanted));
}

TEST_CASE("Integrated gradients, SmoothGrad and occlusion take no more memory for more passes") {
  const auto network = small();
  const Tensor x = random_tensor({1, 16, 16, 3}), target = Tensor::from<int32_t>({1}, {1});
  const auto peak = [&](int64_t passes) {
    reset_peak_memory();
    const ExplainOptions options{
        .steps = passes, .samples = passes, .window = 2, .stride = 1, .at_once = 4};
    integrated_gradients(*network, x, target, options);
    smooth_gradients(*network, x, target, options);
    occlusion(*network, x, target, options);
    return memory_stats().peak;
  };
  peak(8);
  CHECK(peak(200) == peak(8));
}

TEST_CASE("SmoothGrad's noise is that of seed, image and copy, however many go at once") {
  const auto network = small();
  const Tensor x = random_tensor({2, 8, 8, 3}), target = Tensor::from<int32_t>({1, 2}, {2});
  const auto mean = [&](uint64_t seed, int64_t at_once, double noise = 0.2) {
    return smooth_gradients(*network, x, target,
                            {.samples = 5, .noise = noise, .seed = seed, .at_once = at_once})
        .mean;
  };
  CHECK(difference(mean(1, 5).to_doubles(), mean(1, 2).to_doubles(), 1e-6) == "");
  CHECK(!same_bits(mean(1, 5), mean(2, 5)));
  const auto none = smooth_gradients(*network, x, target, {.samples = 3, .noise = 0});
  const Tensor plain = input_gradient(*network, x, target, ClassScore::logit);
  CHECK(difference(none.mean.to_doubles(), plain.to_doubles(), 1e-6) == "");
  for (double v : none.variance.to_doubles()) CHECK(std::abs(v) < 1e-12);
}

TEST_CASE("Maps take nothing from a network and leave nothing in it") {
  const auto network = small();
  network->train();
  const Tensor x = random_tensor({1, 8, 8, 3});
  for (auto& method : explain_methods()) {
    if (std::string(method.name) == "rollout") continue;
    explain(*network, x, method, {.steps = 2, .samples = 2});
    CHECK(network->training());
    for (auto& [name, t] : network->parameters()) CHECK(!grad(t).defined());
  }
  CHECK(!requires_grad(x));
}

TEST_CASE("What cannot be explained is refused, and says what there is") {
  const auto network = small();
  const Tensor x = random_tensor({1, 8, 8, 3});
  const auto cam = [&](const std::string& layer) {
    return explain(*network, x, explain_method("grad-cam"), {.layer = layer});
  };
  CHECK_THROWS_WITH(cam("conv3"),
                    "there is no layer 'conv3'; did you mean 'conv1'?; there are "
                    "conv1, conv2, average, fc");
  CHECK_THROWS_WITH(cam("fc"),
                    "the layer 'fc' gives (1, 4), no map of the image; these do: conv1 "
                    "(8 x 8), conv2 (4 x 4)");
  CHECK(default_layer(*network, x) == "conv2");
  CHECK_THROWS_WITH(explain_method("gradcam"), Contains("did you mean 'grad-cam'?") &&
                                                   Contains("there are gradient, input-x-"));
  const auto occluded = [&](int64_t window, int64_t stride) {
    return explain(*network, x, explain_method("occlusion"), {.window = window, .stride = stride});
  };
  CHECK_THROWS_WITH(occluded(9, 1), "a window of 9 pixels is larger than the image, 8");
  CHECK_THROWS_WITH(occluded(2, 3), "windows of 2 pixels, 3 apart, leave pixels out");
  CHECK_THROWS_WITH(explain(*network, x, explain_method("rollout")),
                    Contains("attention rollout needs layers of attention"));
  Sequential smooth{Conv2d(3, 4, 3), Tanh(), GlobalAvgPool()};
  CHECK_THROWS_WITH(explain(smooth, x, explain_method("guided-backprop")),
                    Contains("the network has none"));
  CHECK_THROWS_WITH(parse_score("margin"), Contains("there are logit, probability"));
}

TEST_CASE("A pool's ReLU guides as one before it does, windows that share pixels, too") {
  for (Device device : test_devices()) {
    INFO(device.name());
    auto network = [&](Activation of_conv, Activation of_pool) {
      const InitSeed seed(4);
      auto net = std::make_unique<Sequential>();
      net->add("conv", Conv2d(3, 6, 3, {.padding = 1, .activation = of_conv}))
          .add("pool", MaxPool2d(3, {.stride = 2, .padding = 1, .activation = of_pool}))
          .add("last", Conv2d(6, 6, 3))
          .add("average", GlobalAvgPool())
          .add("fc", Linear(6, 4));
      net->to(device);
      return net;
    };
    const auto before = network(Activation::relu, Activation::none);
    const auto within = network(Activation::none, Activation::relu);
    const Tensor x = random_tensor({2, 9, 9, 3}, DType::float32, device);
    const Tensor t = Tensor::from(std::vector<int32_t>{1, 3}, {2}).to(device);
    const Tensor guided = guided_gradient(*before, x, t);
    CHECK(difference(guided.to_doubles(), guided_gradient(*within, x, t).to_doubles(), 1e-6) == "");
    const Tensor plain = input_gradient(*before, x, t, ClassScore::logit);
    CHECK(difference(plain.to_doubles(),
                     input_gradient(*within, x, t, ClassScore::logit).to_doubles(), 1e-6) == "");
    CHECK(difference(plain.to_doubles(), guided.to_doubles(), 1e-6) != "");
  }
}

TEST_CASE("A vision transformer's layers give maps without anybody reshaping") {
  for (Device device : test_devices()) {
    INFO(device.name());
    const bool sim = device.kind() == Device::Kind::sim;
    auto network = simplevit({.classes = 3, .image_size = 32});
    network->to(device);
    const Tensor x = random_tensor({1, 32, 32, 3}, DType::float32, device);
    // Attention over all tokens gives them in a line, (N, 4, 192).
    for (const char* layer : {"blocks.1.attn", "blocks.3", "norm"}) {
      if (sim && std::string(layer) != "blocks.1.attn") continue;
      const Tensor map =
          grad_cam(*network, x, Tensor::from<int32_t>({2}, {1}, device), {.layer = layer});
      CHECK(map.shape() == Shape{1, 32, 32});
    }
    const Tensor rolled = attention_rollout(*network, x);
    CHECK(rolled.shape() == Shape{1, 32, 32});
    // Each row of the product adds up to 1, over 4 patches.
    CHECK(mean(rolled).item() == Approx(0.25).epsilon(1e-3));
  }
}

TEST_CASE("Attention rollout is the product of the blocks' attention, half of each the identity") {
  constexpr int64_t side = 6, tokens = side * side, heads = 4, depth = 192 / heads;
  auto network = simplevit({.classes = 3, .image_size = 96});
  network->eval();
  const Tensor x = random_tensor({1, 96, 96, 3}, DType::float32, {}, 0, -3, 3);
  const Watch watch(*network, "blocks.*.attn.qkv");
  (*network)(x);
  std::vector<double> rolled(tokens * tokens, 0);
  for (int64_t i = 0; i < tokens; ++i) rolled[std::size_t(i * tokens + i)] = 1;
  for (int block = 0; block < 4; ++block) {
    const auto qkv = watch.output("blocks." + std::to_string(block) + ".attn.qkv").to_doubles();
    const auto window_of = [](int64_t t) { return std::pair(t / side / 4, t % side / 4); };
    std::vector<double> next(tokens * tokens, 0);
    for (int64_t a = 0; a < tokens; ++a) {
      std::vector<double> looked(tokens, 0);
      for (int64_t h = 0; h < heads; ++h) {
        std::vector<double> e(tokens, 0);
        double total = 0;
        for (int64_t b = 0; b < tokens; ++b) {
          if (block % 2 == 0 && window_of(a) != window_of(b)) continue;
          double dot = 0;
          for (int64_t d = 0; d < depth; ++d)
            dot += qkv[std::size_t(a * 576 + h * depth + d)] *
                   qkv[std::size_t(b * 576 + 192 + h * depth + d)];
          total += e[std::size_t(b)] = std::exp(dot / std::sqrt(double(depth)));
        }
        for (int64_t b = 0; b < tokens; ++b)
          looked[std::size_t(b)] += e[std::size_t(b)] / total / double(heads);
      }
      for (int64_t b = 0; b < tokens; ++b)
        for (int64_t c = 0; c < tokens; ++c)
          next[std::size_t(a * tokens + c)] +=
              0.5 * (looked[std::size_t(b)] + (a == b)) * rolled[std::size_t(b * tokens + c)];
    }
    rolled = next;
  }
  std::vector<float> wanted(tokens, 0);
  for (int64_t a = 0; a < tokens; ++a)
    for (int64_t b = 0; b < tokens; ++b)
      wanted[std::size_t(b)] += float(rolled[std::size_t(a * tokens + b)] / double(tokens));
  const Tensor map = resize_bilinear(Tensor::from(wanted, {1, side, side, 1}), 96, 96) * tokens;
  CHECK(difference((attention_rollout(*network, x) * tokens).to_doubles(), map.to_doubles(),
                   1e-4) == "");
  double least = 2, largest = 0;
  for (double v : map.to_doubles()) least = std::min(least, v), largest = std::max(largest, v);
  CHECK(largest > 1.01 * least);
}

TEST_CASE("Grad-CAM++ has its paper's weights") {
  const auto network = small();
  const Tensor x = random_tensor({1, 8, 8, 3}, DType::float32, {}, 5),
               target = Tensor::from<int32_t>({2}, {1});
  Tensor values, gradient;
  {
    const LayerTap tap(*network, "conv1");
    const Tensor score = sum(scores((*network)(x), target, ClassScore::logit));
    values = tap.output().detach();
    gradient = grad_of(score, {tap.output()})[0];
  }
  const auto A = values.to_doubles(), g = gradient.to_doubles();
  const std::size_t channels = 4, pixels = 64;
  std::vector<double> wanted(pixels, 0);
  for (std::size_t k = 0; k < channels; ++k) {
    double total = 0, weight = 0;
    for (std::size_t i = 0; i < pixels; ++i) total += A[i * channels + k];
    for (std::size_t i = 0; i < pixels; ++i) {
      const double d = g[i * channels + k];
      if (d > 0) weight += d * d * d / (2 * d * d + total * d * d * d);
    }
    for (std::size_t i = 0; i < pixels; ++i) wanted[i] += weight * A[i * channels + k];
  }
  const Tensor map = grad_cam_plus_plus(*network, x, target, {.layer = "conv1"});
  CHECK(difference(map.to_doubles(), wanted, 1e-5) == "");
  CHECK(*std::max_element(wanted.begin(), wanted.end()) > 0);
}

TEST_CASE("Tokens are laid out in the image's proportions, without a class token") {
  const auto shape = [](int64_t tokens, int64_t height, int64_t width) {
    const Tensor map = as_map(Tensor::zeros({1, tokens, 5}), height, width);
    return map.defined() ? map.shape() : Shape{};
  };
  CHECK(shape(64, 128, 128) == Shape{1, 8, 8, 5});
  CHECK(shape(65, 128, 128) == Shape{1, 8, 8, 5});
  CHECK(shape(8, 32, 64) == Shape{1, 2, 4, 5});
  CHECK(shape(9, 32, 64) == Shape{1, 2, 4, 5});
  CHECK(shape(7, 64, 64) == Shape{});
  CHECK(!as_map(Tensor::zeros({1, 5}), 8, 8).defined());
  CHECK(as_map(Tensor::zeros({1, 3, 4, 5}), 8, 8).shape() == Shape{1, 3, 4, 5});
}
