// Networks of inverted residual blocks: a 1x1 convolution widens, a depthwise one looks at each
// channel alone, and a 1x1 convolution without activation narrows; blocks that keep the shape add
// their input. torchvision's names.
//
// mobilenet_v2: ReLU6; 3,504,872 parameters with 1,000 classes. Source: Sandler, Howard, Zhu,
// Zhmoginov, Chen 2018, arXiv:1801.04381
//
// efficientnet_b0: SiLU, and squeeze-excitation, which weighs the channels by what their means say;
// while training, blocks are left out of a sample at random, more often in later ones. 5,288,548
// parameters. Source: Tan, Le 2019, arXiv:1905.11946
#include <cmath>

#include "autograd/elementwise.h"
#include "autograd/functions.h"
#include "autograd/pool.h"
#include "nn/activation.h"
#include "nn/models/build.h"

namespace tweed {
namespace {

ModulePtr relu6_layer() {
  return hold(ActivationLayer("ReLU6", [](const Tensor& x) { return clamp(x, 0, 6); }));
}

// Convolution, batch norm, and an activation, which may be null.
std::shared_ptr<Sequential> normed(Build& build, const ModulePtr& conv, int64_t channels,
                                   const ModulePtr& activation) {
  auto layers = std::make_shared<Sequential>();
  layers->add(conv).add(build.norm(channels));
  if (activation) layers->add(activation);
  return layers;
}

// 1x1, SiLU, 1x1 and a sigmoid of the channels' means, by which the channels are multiplied.
// Source: Hu, Shen, Sun 2017, arXiv:1709.01507
class SqueezeExcitation : public Module {
 public:
  SqueezeExcitation(Build& build, int64_t channels, int64_t squeezed) {
    fc1_ = add_child("fc1", build.conv(channels, squeezed, 1, 1, true));
    fc2_ = add_child("fc2", build.conv(squeezed, channels, 1, 1, true));
  }
  Tensor forward(const Tensor& x) override {
    return x * sigmoid((*fc2_)(silu((*fc1_)(adaptive_avg_pool2d(x, 1, 1)))));
  }
  std::string description() const override { return "SqueezeExcitation"; }

 private:
  ModulePtr fc1_, fc2_;
};

// What its layers make of x; added to x where the shape stays.
class InvertedResidual : public Module {
 public:
  InvertedResidual(const char* name, Sequential layers, bool adds, double dropped) : adds_(adds) {
    layers_ = add_child(name, std::move(layers));
    drop_ = add_child("stochastic_depth", DropPath(dropped));
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = (*layers_)(x);
    return adds_ ? x + (*drop_)(y) : y;
  }
  std::string description() const override { return "InvertedResidual"; }

 private:
  bool adds_;
  ModulePtr layers_, drop_;
};

// Blocks that follow each other: the first changes channels and size.
struct MobileStage {
  int64_t widen, kernel, stride, in, out;
  int blocks;
};

ModulePtr mobilenet_block(Build& build, const MobileStage& s, int64_t in, int64_t stride) {
  const int64_t wide = in * s.widen;
  Sequential layers;
  if (s.widen > 1) layers.add(normed(build, build.conv(in, wide, 1), wide, relu6_layer()));
  layers.add(normed(build, build.depthwise(wide, s.kernel, stride), wide, relu6_layer()));
  layers.add(build.conv(wide, s.out, 1)).add(build.norm(s.out));
  return std::make_shared<InvertedResidual>("conv", std::move(layers), stride == 1 && in == s.out,
                                            0);
}

ModulePtr efficientnet_block(Build& build, const MobileStage& s, int64_t in, int64_t stride,
                             double dropped) {
  const int64_t wide = in * s.widen;
  const auto silu_layer = [] { return make_activation("SiLU"); };
  Sequential layers;
  if (s.widen > 1) layers.add(normed(build, build.conv(in, wide, 1), wide, silu_layer()));
  layers.add(normed(build, build.depthwise(wide, s.kernel, stride), wide, silu_layer()));
  layers.add(std::make_shared<SqueezeExcitation>(build, wide, in / 4));
  layers.add(normed(build, build.conv(wide, s.out, 1), s.out, nullptr));
  return std::make_shared<InvertedResidual>("block", std::move(layers), stride == 1 && in == s.out,
                                            dropped);
}

// Features, the mean of each channel, dropout and a linear layer.
class MobileNet : public Module {
 public:
  MobileNet(std::string name, const ModelOptions& options,
            const std::function<void(Build&, Sequential&)>& add_blocks)
      : name_(std::move(name)) {
    Build build(options);
    const auto activation = [&] {
      return name_ == "mobilenet_v2" ? relu6_layer() : make_activation("SiLU");
    };
    Sequential features;
    features.add(normed(build, build.conv(3, 32, 3, 2), 32, activation()));
    add_blocks(build, features);
    features.add(normed(build, build.conv(320, 1280, 1), 1280, activation()));
    features_ = add_child("features", std::move(features));
    classifier_ = add_child("classifier", Sequential{Dropout(0.2), Linear(1280, options.classes)});
    kaiming_convolutions(*this, options.seed);
  }
  Tensor forward(const Tensor& x) override {
    return (*classifier_)(global_avg_pool((*features_)(x)));
  }
  std::string description() const override { return name_; }
  Packing image_packing(const Shape& images) const override {
    return features_->image_packing(images);
  }

 private:
  std::string name_;
  ModulePtr features_, classifier_;
};

// Biases are 0, and the last layer's weights what `draw` gives.
void initialize_mobile(Module& network, const std::function<Tensor(const Shape&)>& draw) {
  for (auto& [name, t] : network.parameters()) {
    if (name == "classifier.1.weight") t.copy_from(draw(t.shape()));
    if (name.ends_with("bias")) t.zero();
  }
}

}  // namespace

ModulePtr mobilenet_v2(const ModelOptions& options) {
  const MobileStage stages[] = {{1, 3, 1, 32, 16, 1},  {6, 3, 2, 16, 24, 2}, {6, 3, 2, 24, 32, 3},
                                {6, 3, 2, 32, 64, 4},  {6, 3, 1, 64, 96, 3}, {6, 3, 2, 96, 160, 3},
                                {6, 3, 1, 160, 320, 1}};
  auto network =
      std::make_shared<MobileNet>("mobilenet_v2", options, [&](Build& build, Sequential& features) {
        for (auto& s : stages)
          for (int i = 0; i < s.blocks; ++i)
            features.add(mobilenet_block(build, s, i ? s.out : s.in, i ? 1 : s.stride));
      });
  initialize_mobile(*network, [&](const Shape& shape) {
    return normal_init(shape, 0.01, {options.seed, 1, 1});
  });
  return network;
}

ModulePtr efficientnet_b0(const ModelOptions& options) {
  const MobileStage stages[] = {
      {1, 3, 1, 32, 16, 1},  {6, 3, 2, 16, 24, 2},   {6, 5, 2, 24, 40, 2},  {6, 3, 2, 40, 80, 3},
      {6, 5, 1, 80, 112, 3}, {6, 5, 2, 112, 192, 4}, {6, 3, 1, 192, 320, 1}};
  constexpr double most_left_out = 0.2, all_blocks = 16;
  auto network = std::make_shared<MobileNet>(
      "efficientnet_b0", options, [&](Build& build, Sequential& features) {
        int block = 0;
        for (auto& s : stages) {
          Sequential stage;
          for (int i = 0; i < s.blocks; ++i, ++block)
            stage.add(efficientnet_block(build, s, i ? s.out : s.in, i ? 1 : s.stride,
                                         most_left_out * block / all_blocks));
          features.add(std::move(stage));
        }
      });
  initialize_mobile(*network, [&](const Shape& shape) {
    return uniform_init(shape, 1 / std::sqrt(double(options.classes)), {options.seed, 1, 1});
  });
  return network;
}

}  // namespace tweed
