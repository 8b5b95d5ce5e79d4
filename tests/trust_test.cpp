// Trust checks of maps, colour maps, feature maps and class models.
#include "explain/trust.h"

#include <cmath>

#include "autograd/argmax.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/shape_ops.h"
#include "data/dataset.h"
#include "data/image_tensor.h"
#include "explain/class_model.h"
#include "explain/color_map.h"
#include "explain/feature_maps.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/models/models.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "train/trainer.h"

using namespace tweed;

namespace {

constexpr int validation_each = 15;

// Drawn places, and a network that has learnt to tell most of them apart.
struct Trained {
  Trained() {
    data = open_dataset("tiny",
                        {.classes = "4", .image_size = 32, .tiny_train = 60, .tiny_validation = validation_each});
    Trainer trainer(network, data.train, {.lr = 0.05, .epochs = 6, .batch_size = 20, .workers = 0});
    while (!trainer.done()) trainer.epoch();
    top1 = trainer.evaluate(data.validation).top1;
    network->eval();
    std::vector<Tensor> images;
    for (int64_t i = 0; i < data.validation.size(); i += validation_each)
      images.push_back(to_tensor(validation_crop(data.validation.image(i), 32)));
    x = concat(images, 0);
  }
  static Trained& one() {
    static Trained trained;
    return trained;
  }
  ModulePtr network = make_model("simplenet_bn", {.classes = 4, .seed = 2, .image_size = 32});
  DataSplits data;
  double top1 = 0;
  Tensor x;
};

RandomisedNetwork randomised(const std::string& method) {
  Trained& t = Trained::one();
  return randomised_network(*t.network, t.x, explain_method(method), {.steps = 8, .samples = 8});
}

}  // namespace

TEST_CASE("Gradient saliency depends on a trained network's weights, guided backprop hardly does") {
  INFO(Trained::one().top1);
  REQUIRE(Trained::one().top1 > 60);
  for (const char* method : {"gradient", "input-x-gradient", "integrated-gradients", "smoothgrad",
                             "grad-cam", "occlusion", "guided-backprop"}) {
    const RandomisedNetwork r = randomised(method);
    INFO(method << " half " << r.half() << " all " << r.all());
    CHECK(r.layers.back() == "conv1");
    CHECK(r.similarity.size() == 6);
    CHECK(r.depends_on_weights() == (method != std::string("guided-backprop")));
  }
}

TEST_CASE("A randomised network has its weights back in the end") {
  Trained& t = Trained::one();
  std::vector<Tensor> before;
  for (auto& named : t.network->state()) before.push_back(named.tensor.detach().clone());
  randomised("gradient");
  std::size_t i = 0;
  for (auto& named : t.network->state()) CHECK(same_bits(named.tensor, before[i++]));
}

TEST_CASE("Pixels that the map of a right method has first take the answer with them") {
  Trained& t = Trained::one();
  const ExplainMethod& method = explain_method("occlusion");
  double deletion = 0, insertion = 0, random_deletion = 0, random_insertion = 0;
  for (int64_t n = 0; n < t.x.dim(0); ++n) {
    const Tensor x = t.x.slice(n, n + 1);
    const Explanation e = explain(*t.network, x, method);
    const int32_t target = e.targets.to_vector<int32_t>()[0];
    const TrustCurves right = trust_curves(*t.network, x, target, e.map),
                      random = trust_curves(*t.network, x, target, random_map(32, 32, 1));
    REQUIRE(right.deletion.size() == 21);
    const double whole = softmax(e.logits).to_doubles()[std::size_t(target)];
    CHECK(right.deletion.front() == Approx(whole).epsilon(1e-4));
    CHECK(right.insertion.back() == Approx(whole).epsilon(1e-4));
    CHECK(right.deletion.back() == Approx(random.deletion.back()).epsilon(1e-4));
    deletion += area_under(right.deletion), random_deletion += area_under(random.deletion);
    insertion += area_under(right.insertion), random_insertion += area_under(random.insertion);
  }
  CHECK(deletion < random_deletion);
  CHECK(insertion > random_insertion);
}

TEST_CASE("Areas and rank correlations are what they say") {
  CHECK(area_under({1, 1, 1}) == 1);
  CHECK(area_under({1, 0, 0}) == 0.25);
  CHECK(area_under({}) == 0);
  const auto map = [](const std::vector<float>& v) { return Tensor::from(v, {int64_t(v.size())}); };
  CHECK(rank_correlation(map({1, 2, 3, 4}), map({10, 20, 30, 400})) == Approx(1));
  CHECK(rank_correlation(map({1, 2, 3, 4}), map({4, 3, 2, 1})) == Approx(-1));
  CHECK(rank_correlation(map({1, -2, 3, -4}), map({1, 2, 3, 4})) == Approx(1));  // of sizes
  CHECK(rank_correlation(map({1, 2, 2, 3}), map({1, 2, 3, 4})) == Approx(0.9486833));
  CHECK(rank_correlation(map({1, 1, 1, 1}), map({1, 2, 3, 4})) == 0);
  CHECK_THROWS_WITH(rank_correlation(map({1}), map({1, 2})), Contains("maps are (1) and (2)"));
}

TEST_CASE("Perceptual colours grow lighter in even steps, and signed ones from white") {
  // Lightness in CIELAB, another space than the one that they are computed in.
  const auto lightness = [](std::array<uint8_t, 3> c) {
    double linear[3];
    for (int i = 0; i < 3; ++i) {
      const double v = c[std::size_t(i)] / 255.;
      linear[i] = v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
    }
    const double y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    return y > 0.008856 ? 116 * std::cbrt(y) - 16 : 903.3 * y;
  };
  for (Colors colors : {Colors::grey, Colors::dusk, Colors::ember}) {
    const double first = lightness(color_of(0, colors)), last = lightness(color_of(1, colors));
    CHECK(last - first > 60);
    for (int i = 1; i <= 20; ++i) {
      const double step =
          lightness(color_of(i / 20., colors)) - lightness(color_of((i - 1) / 20., colors));
      INFO(int(colors) << " " << i);
      CHECK(step > 0.4 * (last - first) / 20);
      CHECK(step < 1.7 * (last - first) / 20);
    }
  }
  const auto white = color_of(0, Colors::signed_), blue = color_of(-1, Colors::signed_),
             red = color_of(1, Colors::signed_);
  CHECK(*std::min_element(white.begin(), white.end()) > 240);
  CHECK(blue[2] > blue[0] + 80);
  CHECK(red[0] > red[2] + 80);
  CHECK(std::abs(lightness(blue) - lightness(red)) < 8);
  for (auto& name : color_names()) parse_colors(name);
  CHECK_THROWS_WITH(parse_colors("jet"), Contains("there are red, grey, dusk, ember, signed"));
}

TEST_CASE("A map's scale ends where one value in 200 is larger, and keeps signs if asked to") {
  std::vector<float> values(1000, 0);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = float(i);
  values[999] = 1e6;
  const auto fractions = as_fractions(Tensor::from(values, {1000}), false);
  CHECK(fractions[0] == 0);
  CHECK(fractions[500] == Approx(500. / 994).epsilon(0.01));
  CHECK(fractions[999] == 1);
  const Tensor both = Tensor::from<float>({-2, 0, 1, 2}, {2, 2});
  CHECK(as_fractions(both, true) == std::vector<double>{-1, 0, 0.5, 1});
  CHECK(as_fractions(both, false) == std::vector<double>{1, 0, 0.5, 1});
  for (double v : as_fractions(Tensor::full({2, 2}, 3), false)) CHECK(v == 0);
  const Image image{2, 2, std::vector<uint8_t>(12, 100)};
  for (auto& name : color_names()) {
    if (name != "red") CHECK(!(map_overlay(image, both, parse_colors(name)) == image));
    CHECK(draw_map(both, parse_colors(name)).pixels.size() == 12);
  }
  CHECK_THROWS_WITH(map_overlay(image, Tensor::zeros({3, 3}), Colors::dusk), Contains("(3, 3)"));
}

TEST_CASE("Feature maps are those of the layer, stretched, those that vary most first") {
  for (Device device : test_devices()) {
    INFO(device.name());
    Sequential net{Conv2d(3, 3, 1, {.bias = false}), GlobalAvgPool()};
    net.add("fc", Linear(3, 2));
    // Channel c of the result is (c + 1) times channel c of the image.
    net.find("0").parameters()[0].tensor.copy_from(
        Tensor::from<float>({1, 0, 0, 0, 2, 0, 0, 0, 3}, {3, 1, 1, 3}));
    net.to(device);
    const Tensor x =
        Tensor::from<float>({0, 5, 1, 1, 5, 0, 2, 5, 3, 4, 5, 2}, {1, 2, 2, 3}, device);
    const auto maps = feature_maps(net, x, "0", 2);
    REQUIRE(maps.size() == 2);
    CHECK(maps[0].channel == 2);
    CHECK(maps[0].least == 0);
    CHECK(maps[0].largest == 9);
    CHECK(maps[0].image.pixels ==
          std::vector<uint8_t>{85, 85, 85, 0, 0, 0, 255, 255, 255, 170, 170, 170});
    CHECK(maps[1].channel == 0);
    CHECK(feature_maps(net, x, "0", 9).back().image.pixels == std::vector<uint8_t>(12, 0));
    CHECK_THROWS_WITH(feature_maps(net, x, "fc", 1), Contains("these do: 0 (2 x 2)"));
    CHECK(early_middle_late(net, x) == std::vector<std::string>{"0"});
  }
  auto network = simplenet({.classes = 3});
  CHECK(early_middle_late(*network, Tensor::zeros({1, 32, 32, 3})) ==
        std::vector<std::string>{"conv1", "conv4", "conv7"});
}

TEST_CASE("A class model is taken for its class, within its bounds, and is the seed's") {
  Trained& t = Trained::one();
  ClassModelOptions options{.height = 32,
                            .width = 32,
                            .steps = 100,
                            .low = Tensor::from<float>({-1, -1, -1}, {3}),
                            .high = Tensor::from<float>({1, 1, 0.5f}, {3})};
  for (int32_t target : {0, 3}) {
    const Tensor x = class_model(*t.network, target, options);
    CHECK(x.shape() == Shape{1, 32, 32, 3});
    const Tensor p = softmax(cast((*t.network)(x), DType::float32));
    CHECK(p.to_doubles()[std::size_t(target)] > 0.9);
    const auto values = x.to_doubles();
    for (std::size_t i = 0; i < values.size(); ++i) {
      CHECK(values[i] >= -1);
      CHECK(values[i] <= (i % 3 == 2 ? 0.5 : 1));
    }
  }
  options.steps = 3;
  const Tensor first = class_model(*t.network, 1, options);
  CHECK(same_bits(first, class_model(*t.network, 1, options)));
  options.seed = 1;
  CHECK(!same_bits(first, class_model(*t.network, 1, options)));
  CHECK_THROWS_WITH(class_model(*t.network, 1, {}), Contains("needs a size"));
}
