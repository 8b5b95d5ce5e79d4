// The small network and the images that stored results of attacks are of (tests/golden/README.md).
#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "apps/paths.h"
#include "attacks/attack.h"
#include "attacks/pgd.h"
#include "nn/layers.h"
#include "record/checkpoint.h"

namespace tweed {
namespace stored {

constexpr std::array<float, 3> means{0.5f, 0.375f, 0.5f}, deviation{0.25f, 0.5f, 0.25f};

// The images and the network of the stored results.
struct Stored {
  explicit Stored(Device device, int64_t count = 24) : device(device), count(count) {
    make_network();
    take_images(file);
  }
  // The same network, and the images of another file.
  Stored(Device device, const SafeTensors& images)
      : device(device), count(images.tensors.at("labels").size()) {
    make_network();
    take_images(images);
  }
  void make_network() {
    network.add("conv1", Conv2d(3, 8, 3, {.padding = 1, .activation = Activation::relu}));
    network.add("conv2",
                Conv2d(8, 16, 3, {.stride = 2, .padding = 1, .activation = Activation::relu}));
    network.add("flatten", std::make_shared<Flatten>());
    network.add("fc", Linear(256, 5));
    SafeTensors weights;
    for (auto& [name, t] : file.tensors)
      if (name.starts_with("net/")) weights.tensors[name.substr(4)] = t;
    load_tensors("torchattacks", weights, network.state());
    network.to(device);
    network.eval();
  }
  void take_images(const SafeTensors& from) {
    std::vector<float> values;
    const auto bytes = from.tensors.at("images").slice(0, count).to_vector<uint8_t>();
    for (std::size_t i = 0; i < bytes.size(); ++i)
      values.push_back((float(bytes[i]) / 255.f - means[i % 3]) / deviation[i % 3]);
    x = Tensor::from(values, {count, 8, 8, 3}, device);
    labels = from.tensors.at("labels").slice(0, count).clone().to(device);
  }
  std::vector<double> pixels(const Tensor& images) const {
    auto values = images.to_doubles();
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = values[i] * double(deviation[i % 3]) + double(means[i % 3]);
    return values;
  }
  Tensor attacked(const std::string& name, const PgdOptions& options) {
    network.set_random_step({});
    return attack_called(name)(options, device)(network, x, labels);
  }

  SafeTensors file = read_safetensors(source_path("tests/golden/torchattacks.safetensors"));
  Device device;
  int64_t count;
  Sequential network;
  Tensor x, labels;
};

inline std::vector<int64_t> answers(Module& network, const Tensor& x) {
  const NoGrad no_grad;
  const Tensor logits = network(x);
  const auto values = logits.to_doubles();
  std::vector<int64_t> result;
  for (auto row = values.begin(); row != values.end(); row += logits.dim(1))
    result.push_back(std::max_element(row, row + logits.dim(1)) - row);
  return result;
}

inline PgdOptions linf(int steps = 10) {
  return {.space = pixel_space(8 / 255., 2 / 255., means, deviation),
          .steps = steps,
          .random_start = false};
}
inline PgdOptions l2() {
  return {.space = pixel_space(0.5, 0.1, means, deviation, Norm::l2), .random_start = false};
}

}  // namespace stored
}  // namespace tweed
