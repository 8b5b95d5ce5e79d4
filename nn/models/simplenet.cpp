// SimpleNet, the network of the MiniPlaces coursework.
//
//   conv 7x7/2 3-64, max pool 3x3/2,
//   conv 1x1 64-64, conv 3x3 64-64, conv 1x1 64-256, max pool 3x3/2,
//   conv 1x1 256-128, conv 3x3 128-128, conv 1x1 128-512, global average, linear 512-classes.
//
// ReLU after each convolution; before a pool it is the pool's, see PoolOptions. At 128x128: 160
// million multiply-adds an image, 365,028 parameters with 100 classes. simplenet_bn puts batch norm
// between each convolution and its ReLU, where the convolution's bias would be cancelled and is
// left out, and Dropout2d before the last two pools.
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/models/models.h"

namespace tweed {
namespace {

class SimpleNet : public Sequential {
 public:
  SimpleNet(const ModelOptions& options, bool batch_norm) : bn_(batch_norm) {
    const InitSeed seed(options.seed);
    conv(3, 64, 7, 2, Activation::none);
    pool();
    conv(64, 64, 1);
    conv(64, 64, 3);
    conv(64, 256, 1, 1, Activation::none);
    dropout();
    pool();
    conv(256, 128, 1);
    conv(128, 128, 3);
    conv(128, 512, 1);
    dropout();
    add("average", GlobalAvgPool());
    add("fc", Linear(512, options.classes));
  }
  std::string description() const override { return bn_ ? "simplenet_bn" : "simplenet"; }

 private:
  void conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1,
            Activation activation = Activation::relu) {
    const std::string number = std::to_string(++convolutions_);
    add("conv" + number, Conv2d(in, out, kernel,
                                {.stride = stride,
                                 .padding = kernel / 2,
                                 .bias = !bn_,
                                 .activation = bn_ ? Activation::none : activation,
                                 .norm_follows = bn_}));
    if (bn_) add("bn" + number, BatchNorm2d(out, {.activation = activation}));
  }
  void pool() {
    add("pool" + std::to_string(convolutions_),
        MaxPool2d(3, {.stride = 2, .padding = 1, .activation = Activation::relu}));
  }
  void dropout() {
    if (bn_) add("drop" + std::to_string(convolutions_), Dropout2d(0.1));
  }

  bool bn_;
  int convolutions_ = 0;
};

}  // namespace

ModulePtr simplenet(const ModelOptions& options) {
  return std::make_shared<SimpleNet>(options, false);
}
ModulePtr simplenet_bn(const ModelOptions& options) {
  return std::make_shared<SimpleNet>(options, true);
}

}  // namespace tweed
