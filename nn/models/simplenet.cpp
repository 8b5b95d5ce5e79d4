// SimpleNet, the network of the MiniPlaces coursework.
//
//   conv 7x7/2 3-64, max pool 3x3/2,
//   conv 1x1 64-64, conv 3x3 64-64, conv 1x1 64-256, max pool 3x3/2,
//   conv 1x1 256-128, conv 3x3 128-128, conv 1x1 128-512, global average, linear 512-classes.
//
// ReLU after each convolution. At 128x128: 160 million multiply-adds an image, 365,028 parameters
// with 100 classes. simplenet_bn puts batch norm between each convolution and its ReLU, where the
// convolution's bias would be cancelled and is left out, and Dropout2d before the last two pools.
#include "nn/layers.h"
#include "nn/models/models.h"

namespace tweed {
namespace {

class SimpleNet : public Module {
 public:
  SimpleNet(const ModelOptions& options, bool batch_norm) : options_(options), bn_(batch_norm) {
    conv(3, 64, 7, 2);
    pool();
    conv(64, 64, 1);
    conv(64, 64, 3);
    conv(64, 256, 1);
    dropout(0.1);
    pool();
    conv(256, 128, 1);
    conv(128, 128, 3);
    conv(128, 512, 1);
    dropout(0.1);
    steps_.push_back(std::make_shared<GlobalAvgPool>());
    steps_.push_back(add_child(
        "fc", std::make_shared<Linear>(512, options.classes, Init{options.seed, ++layers_})));
  }

  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (auto& step : steps_) y = (*step)(y);
    return y;
  }
  std::string description() const override { return bn_ ? "simplenet_bn" : "simplenet"; }

 private:
  void conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
    std::string number = std::to_string(++layers_);
    Conv2dOptions o{.stride = stride,
                    .padding = kernel / 2,
                    .bias = !bn_,
                    .activation = bn_ ? Activation::none : Activation::relu};
    steps_.push_back(add_child(
        "conv" + number,
        std::make_shared<Conv2d>(in, out, kernel, o, Init{options_.seed, uint32_t(layers_)})));
    if (bn_)
      steps_.push_back(add_child("bn" + number,
                                 std::make_shared<BatchNorm2d>(out, 0.1, 1e-5, Activation::relu)));
  }
  void pool() { steps_.push_back(std::make_shared<MaxPool2d>(3, 2, 1)); }
  void dropout(double p) {
    if (bn_)
      steps_.push_back(add_child("drop" + std::to_string(layers_), std::make_shared<Dropout2d>(p)));
  }

  ModelOptions options_;
  bool bn_;
  uint32_t layers_ = 0;
  std::vector<ModulePtr> steps_;
};

}  // namespace

ModulePtr simplenet(const ModelOptions& options) {
  return std::make_shared<SimpleNet>(options, false);
}
ModulePtr simplenet_bn(const ModelOptions& options) {
  return std::make_shared<SimpleNet>(options, true);
}

}  // namespace tweed
