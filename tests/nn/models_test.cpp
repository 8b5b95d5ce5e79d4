// The larger networks: against PyTorch's results, their sizes, and whether they learn.
#include "nn/models/models.h"

#include <cmath>

#include "apps/paths.h"
#include "autograd/loss.h"
#include "data/loader.h"
#include "nn/layers.h"
#include "optim/sgd.h"
#include "record/checkpoint.h"
#include "tests/catch.h"
#include "tests/nn/stored_network.h"
#include "tests/support.h"

using namespace tweed;

namespace {

const SafeTensors& golden() {
  static const SafeTensors file = read_safetensors(source_path("tests/golden/models.safetensors"));
  return file;
}

void check_gradients(const std::string& name, Module& network, double tolerance) {
  const auto norms = golden().tensors.at(name + "/norms").to_doubles();
  const Tensor stored = golden().tensors.at(name + "/projections");
  uint32_t number = 0;
  for (auto& [parameter, t] : network.parameters()) {
    INFO(parameter);
    const auto wanted = stored.slice(number, number + 1).to_doubles(),
               got = projections(to_file_axes(grad(t)), number, stored.dim(1));
    // A random direction has length sqrt(n / 3); of a wrong gradient it sees about 1 / sqrt(n).
    for (std::size_t k = 0; k < got.size(); ++k)
      CHECK(std::abs(got[k] - wanted[k]) <= tolerance * norms[number] + 1e-7);
    ++number;
  }
}

void check_network(const std::string& name, bool training, double tolerance) {
  INFO(name);
  auto of = [&](const char* what) { return golden().tensors.at(name + "/" + what); };
  auto network = make_model(name, {.classes = 10});
  fill_by_formula(*network);
  network->train(training);
  std::vector<float> pixels;
  for (uint8_t p : of("images").to_vector<uint8_t>()) pixels.push_back(float(p) / 127.5f - 1.0f);
  const Tensor x = require_grad(Tensor::from(pixels, of("images").shape()));
  for (auto& [parameter, t] : network->parameters()) require_grad(t);
  const Tensor logits = (*network)(x), loss = cross_entropy(logits, of("labels"));
  CHECK(difference(logits.to_doubles(), of("logits").to_doubles(), tolerance) == "");
  CHECK(loss.item() == Approx(of("loss").item()).epsilon(tolerance));
  backward(loss);
  check_gradients(name, *network, tolerance);
  auto dx = grad(x).slice(0, 1).to_doubles(), wanted = of("dx_0").to_doubles();
  double largest = 0;
  for (double v : wanted) largest = std::max(largest, std::abs(v));
  for (std::size_t i = 0; i < dx.size(); ++i) dx[i] /= largest, wanted[i] /= largest;
  CHECK(difference(dx, wanted, tolerance) == "");
}

}  // namespace

TEST_CASE("Logits, loss and every gradient are PyTorch's") {
  check_network("resnet18", true, 2e-4);
  check_network("squeezenet1_0", false, 2e-4);
  check_network("inception", false, 2e-4);
  check_network("simplevit", false, 2e-4);
}

TEST_CASE("A network from JSON with residual blocks and branches is PyTorch's, in float64") {
  const auto stored = read_safetensors(source_path("tests/golden/blocks.safetensors")).tensors;
  auto network = make_model(source_path("docs/examples/blocks.json"), {.classes = 5});
  fill_by_formula(*network);
  network->to(DType::float64);
  const auto agrees = [&](const std::string& name, const Tensor& t) {
    INFO(name);
    CHECK(difference(to_file_axes(t).to_doubles(), stored.at(name).to_doubles(), 1e-11) == "");
  };
  const Tensor x = require_grad(stored.at("x"));
  const Tensor logits = (*network)(x), loss = cross_entropy(logits, stored.at("labels"));
  backward(loss);
  agrees("logits", logits);
  agrees("loss", loss);
  CHECK(difference(grad(x).to_doubles(), stored.at("dx").to_doubles(), 1e-11) == "");
  for (auto& [name, t] : network->parameters()) agrees("grad/" + name, grad(t));
}

TEST_CASE("A model's name is checked without making the model") {
  static int made = 0;
  register_model("counted", [](const ModelOptions& options) {
    ++made;
    return hold(Sequential{GlobalAvgPool(), Linear(3, options.classes)});
  });
  CHECK_NOTHROW(check_model_name("counted"));
  CHECK(made == 0);
  make_model("counted", {});
  CHECK(made == 1);
  CHECK_THROWS_WITH(check_model_name("simplnet"),
                    Contains("no model 'simplnet'") && Contains("simplenet"));
  CHECK_THROWS_WITH(check_model_name("nowhere.json"), Contains("nowhere.json: cannot be read"));
}

TEST_CASE("Networks have as many parameters as torchvision's and the papers'") {
  auto count = [](const char* name, int64_t classes) {
    return make_model(name, {.classes = classes})->parameter_count();
  };
  CHECK(count("resnet18", 1000) == 11689512);
  CHECK(count("resnet34", 1000) == 21797672);
  CHECK(count("resnet50", 1000) == 25557032);
  CHECK(count("squeezenet1_0", 1000) == 1248424);
  CHECK(count("inception", 1000) == 6624904);
  CHECK(count("simplevit", 100) == 1959076);
  CHECK(count("resnet20", 10) == 269722);
  CHECK(count("resnet32", 10) == 464154);
  CHECK(count("resnet44", 10) == 658586);
  CHECK(count("resnet56", 10) == 853018);
  CHECK(count("vgg11_bn", 1000) == 132868840);
  CHECK(count("vgg16_bn", 1000) == 138365992);
  CHECK(count("densenet121", 1000) == 7978856);
  CHECK(count("mobilenet_v2", 1000) == 3504872);
  CHECK(count("efficientnet_b0", 1000) == 5288548);
  CHECK(count("convnext_tiny", 1000) == 28589128);
  CHECK(count("preact_resnet18", 10) == 11171146);
  CHECK(count("wide_resnet28_10", 10) == 36479194);
}

TEST_CASE("Every network takes a few steps and its loss falls") {
  const Dataset data =
      open_dataset("tiny", {.image_size = 32, .tiny_train = 2, .tiny_validation = 1}, Splits::train)
          .train;
  for (auto& name : model_names()) {
    INFO(name);
    auto network = make_model(name, {.classes = 10, .image_size = 32});
    // The largest take long for the same.
    const bool large = network->parameter_count() > 30'000'000;
    const int64_t count = large ? 4 : 8;
    const uint32_t steps = large ? 6 : 10;
    Batch batch;
    REQUIRE(Loader(data, {.batch_size = count, .image_size = 32, .workers = 0}).next(batch));
    const Tensor x = Tensor::from(batch.images, {count, 32, 32, 3}),
                 labels = Tensor::from(batch.labels, {count});
    ParameterBuffer parameters(network->parameters());
    SGD sgd(parameters, {.lr = 0.01, .momentum = 0.9, .weight_decay = 0});
    std::vector<double> losses;
    network->set_random_step({});  // drops the same in all steps, whose losses can be compared
    for (uint32_t step = 0; step < steps; ++step) {
      const Tensor loss = cross_entropy((*network)(x), labels);
      parameters.zero_grad();
      backward(loss);
      sgd.step();
      losses.push_back(loss.item());
    }
    CHECK(losses.back() < losses.front());
  }
}
