// Networks of torchvision and of others: names, logits, loss and every gradient, in float64.
#include <cmath>
#include <numeric>
#include <sstream>

#include "apps/paths.h"
#include "autograd/loss.h"
#include "nn/models/models.h"
#include "record/checkpoint.h"
#include "tests/catch.h"
#include "tests/nn/stored_network.h"
#include "tests/support.h"

using namespace tweed;

namespace {

// Of biases before batch norm the gradients are nothing but rounding.
constexpr double tolerance = 1e-8, nothing = 1e-11;

const SafeTensors& golden() {
  static const SafeTensors file = read_safetensors(source_path("tests/golden/zoo.safetensors"));
  return file;
}

// Of larger gradients every 31st element is looked at, as in tests/golden/zoo.py.
int64_t stride_of(const Tensor& gradient) { return gradient.size() > int64_t(1) << 23 ? 31 : 1; }

double norm_of(const Tensor& t) {
  const auto values = t.to_doubles();
  return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.));
}

// What draws random numbers does nothing; batch norm uses the batch.
void train_without_chance(Module& network) {
  network.train();
  for (auto& [name, module] : network.modules()) {
    const std::string what = module->description();
    if (what.starts_with("Drop")) module->eval();
  }
}

struct Stored {
  std::vector<double> norms;
  Tensor projections;

  void check(const std::string& what, uint32_t number, const Tensor& gradient) const {
    INFO(what);
    const double norm = norms.at(number);
    CHECK(norm_of(gradient) == Approx(norm).epsilon(tolerance).margin(nothing));
    const auto wanted = projections.slice(number, number + 1).to_doubles();
    const auto got = tweed::projections(gradient, number, projections.dim(1), stride_of(gradient));
    for (std::size_t k = 0; k < got.size(); ++k)
      CHECK(std::abs(got[k] - wanted[k]) <= tolerance * norm + nothing);
  }
};

void check_names(const std::string& name, const Module& network) {
  std::istringstream stored(golden().metadata.at(name));
  std::vector<std::string> wanted, got;
  for (std::string word; stored >> word;) wanted.push_back(word);
  for (auto& [tensor, t] : network.state()) got.push_back(tensor);
  CHECK(got == wanted);
}

void check_network(const std::string& name, int64_t size) {
  INFO(name);
  const auto of = [&](const char* what) { return golden().tensors.at(name + "/" + what); };
  auto network = make_model(name, {.classes = 10, .image_size = int(size)});
  check_names(name, *network);
  fill_by_formula(*network);
  network->to(DType::float64);
  train_without_chance(*network);
  const Tensor bytes = golden().tensors.at("images_" + std::to_string(size));
  std::vector<double> pixels;
  for (uint8_t p : bytes.to_vector<uint8_t>()) pixels.push_back(double(p) / 127.5 - 1);
  const Tensor x = require_grad(Tensor::from(pixels, bytes.shape()));
  const Tensor logits = (*network)(x), loss = cross_entropy(logits, of("labels"));
  CHECK(difference(logits.to_doubles(), of("logits").to_doubles(), tolerance) == "");
  CHECK(loss.item() == Approx(of("loss").item()).epsilon(tolerance));
  backward(loss);
  const Stored stored{of("norms").to_doubles(), of("projections")};
  uint32_t number = 0;
  stored.check("images", number++, grad(x));
  for (auto& [parameter, t] : network->parameters())
    stored.check(parameter, number++, to_file_axes(grad(t)));
  CHECK(number == stored.norms.size());
}

}  // namespace

TEST_CASE("VGG with batch norm is torchvision's") {
  check_network("vgg11_bn", 64);
  check_network("vgg16_bn", 64);
}
TEST_CASE("DenseNet-121 is torchvision's") { check_network("densenet121", 64); }
TEST_CASE("MobileNetV2, EfficientNet-B0 and ConvNeXt-tiny are torchvision's") {
  check_network("mobilenet_v2", 64);
  check_network("efficientnet_b0", 64);
  check_network("convnext_tiny", 64);
}
TEST_CASE("PreActResNet-18 and Wide ResNet 28-10 are their authors'") {
  check_network("preact_resnet18", 16);
  check_network("wide_resnet28_10", 16);
}
