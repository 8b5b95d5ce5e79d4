// Time and memory by layer: everything is in some layer, and the network stays as it was.
#include "train/profile.h"

#include <algorithm>
#include <map>

#include "nn/models/models.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;

namespace {

struct Batch {
  explicit Batch(Device device, int64_t count = 2, int64_t size = 16)
      : images(random_tensor({count, size, size, 3}, DType::float32, device)),
        labels(Tensor::zeros({count}, DType::int32, device)) {}
  Tensor images, labels;
};

std::map<std::string, LayerProfile> by_name(const StepProfile& profile) {
  std::map<std::string, LayerProfile> layers;
  for (auto& layer : profile.layers) layers[layer.name] = layer;
  return layers;
}

}  // namespace

TEST_CASE("A profile has each layer's time, both ways, and what it keeps") {
  for (Device device : test_devices()) {
    INFO(device.name());
    auto network = make_model("simplenet", {.classes = 10, .image_size = 16});
    network->to(device);
    const Batch batch(device);
    const StepProfile profile = profile_step(*network, batch.images, batch.labels);
    CHECK(profile.batch_size == 2);
    CHECK(profile.parameter_bytes == network->parameter_count() * 4);
    auto layers = by_name(profile);
    for (auto name : {"conv1", "pool1", "conv2", "conv7", "fc"}) {
      INFO(name);
      CHECK(layers[name].forward > 0);
      CHECK(layers[name].backward > 0);
      // The output, in blocks of the pool, and at most as much for the way back.
      const int64_t output = layers[name].output.size() * 4;
      CHECK(layers[name].saved_bytes >= output);
      CHECK(layers[name].saved_bytes <= 2 * output + 4096);
    }
    CHECK(layers["conv1"].output == Shape{2, 8, 8, 64});
    CHECK(layers["conv1"].parameter_bytes == (64 * 7 * 7 * 3 + 64) * 4);
    double sum = profile.other;
    for (auto& layer : profile.layers) sum += layer.forward + layer.backward;
    CHECK(sum <= profile.seconds);
    CHECK(profile.other < sum / 2);
    CHECK(profile.table(60).find("conv7") != std::string::npos);

    // Of each tensor once: the parameters, the images, and what the backward pass needs.
    int64_t parameters = 0, kept = 0;
    for (auto& t : profile.tensors) {
      CHECK(t.bytes >= t.shape.size());
      if (t.kind == "parameter") parameters += t.bytes;
      if (t.kind == "kept") kept += t.bytes;
    }
    CHECK(parameters == profile.parameter_bytes);
    const int64_t first_output = 2 * 8 * 8 * 64 * 4;
    CHECK(kept > first_output);
    CHECK(std::is_sorted(profile.tensors.begin(), profile.tensors.end(),
                         [](auto& a, auto& b) { return a.bytes > b.bytes; }));
    const auto weight = std::find_if(profile.tensors.begin(), profile.tensors.end(),
                                     [](auto& t) { return t.name == "conv1.weight"; });
    REQUIRE(weight != profile.tensors.end());
    CHECK(weight->shape == Shape{64, 7, 7, 3});
    CHECK(profile.tensor_table(3).find(std::to_string(profile.tensors.size() - 3) + " more") !=
          std::string::npos);
  }
}

TEST_CASE("A backward operation belongs to the layer that went forward") {
  // Blocks with branches that join: the same names and shapes again and again.
  const Batch batch({}, 8, 32);
  auto check = [&](const char* model, std::size_t least) {
    auto network = make_model(model, {.classes = 10, .image_size = 32});
    std::size_t layers = 0;
    for (auto& layer : profile_step(*network, batch.images, batch.labels).layers) {
      if (layer.parameter_bytes == 0 && layer.type.find("Dropout") == std::string::npos) continue;
      INFO(model << " " << layer.name << " " << layer.type);
      ++layers;
      CHECK(layer.forward > 0);
      CHECK(layer.backward > 0);
    }
    INFO(model);
    CHECK(layers >= least);
  };
  check("resnet20", 30);
  check("simplenet_bn", 15);  // with dropout, which is made of other operations
  check("simplevit", 10);
}

TEST_CASE("A profile leaves the network as it was") {
  auto network = make_model("simplenet_bn", {.classes = 10, .image_size = 32});
  network->eval();
  std::vector<Tensor> before;
  for (auto& [name, t] : network->state()) before.push_back(t.clone());
  const Batch batch({});
  profile_step(*network, batch.images, batch.labels);
  const auto after = network->state();
  for (std::size_t i = 0; i < after.size(); ++i) {
    INFO(after[i].name);
    CHECK(same_bits(after[i].tensor, before[i]));
  }
  CHECK_FALSE(network->training());
  for (auto& [name, t] : network->parameters())
    if (grad(t).defined())
      for (double g : grad(t).to_doubles()) REQUIRE(g == 0);
}
