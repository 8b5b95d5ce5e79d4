// DenseNet-121: every layer of a block sees the results of all layers before it, side by side, and
// adds 32 channels. Between blocks a 1x1 convolution halves the channels and a pool the map. Batch
// norm and ReLU stand before each convolution. torchvision's names; 7,978,856 parameters with 1,000
// classes. Source: Huang, Liu, van der Maaten, Weinberger 2016, arXiv:1608.06993
#include "autograd/pool.h"
#include "autograd/shape_ops.h"
#include "nn/models/build.h"

namespace tweed {
namespace {

constexpr int64_t growth = 32, bottleneck = 4 * growth;

// What a layer adds to the channels that it sees.
class DenseLayer : public Module {
 public:
  DenseLayer(Build& build, int64_t in) {
    norm1_ = add_child("norm1", build.norm(in, Activation::relu));
    conv1_ = add_child("conv1", build.conv(in, bottleneck, 1));
    norm2_ = add_child("norm2", build.norm(bottleneck, Activation::relu));
    conv2_ = add_child("conv2", build.bare_conv(bottleneck, growth, 3));
  }
  Tensor forward(const Tensor& x) override { return (*conv2_)((*norm2_)((*conv1_)((*norm1_)(x)))); }
  std::string description() const override { return "DenseLayer"; }

 private:
  ModulePtr norm1_, conv1_, norm2_, conv2_;
};

class DenseBlock : public Module {
 public:
  DenseBlock(Build& build, int layers, int64_t in) {
    for (int i = 0; i < layers; ++i)
      layers_.push_back(add_child("denselayer" + std::to_string(i + 1),
                                  std::make_shared<DenseLayer>(build, in + i * growth)));
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (auto& layer : layers_) y = concat({y, (*layer)(y)}, 3);
    return y;
  }
  std::string description() const override { return "DenseBlock"; }

 private:
  std::vector<ModulePtr> layers_;
};

class DenseNet : public Module {
 public:
  DenseNet(const std::vector<int>& blocks, const ModelOptions& options) {
    Build build(options);
    auto features = std::make_shared<Sequential>();
    int64_t channels = 2 * growth;
    features->add("conv0", build.conv(3, channels, 7, 2));
    features->add("norm0", build.norm(channels));
    features->add("pool0",
                  MaxPool2d(3, {.stride = 2, .padding = 1, .activation = Activation::relu}));
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      const std::string number = std::to_string(b + 1);
      features->add("denseblock" + number,
                    std::make_shared<DenseBlock>(build, blocks[b], channels));
      channels += blocks[b] * growth;
      if (b + 1 == blocks.size()) break;
      features->add("transition" + number, transition(build, channels));
      channels /= 2;
    }
    features->add("norm5", build.norm(channels, Activation::relu));
    features_ = add_child("features", features);
    classifier_ = add_child("classifier", build.linear(channels, build.classes()));
    kaiming_convolutions(*this, options.seed, Fan::in);
    classifier_->parameters()[1].tensor.zero();  // its bias
  }
  Tensor forward(const Tensor& x) override {
    return (*classifier_)(global_avg_pool((*features_)(x)));
  }
  std::string description() const override { return "densenet121"; }
  Packing image_packing(const Shape& images) const override {
    return features_->image_packing(images);
  }

 private:
  static ModulePtr transition(Build& build, int64_t channels) {
    auto layers = std::make_shared<Sequential>();
    layers->add("norm", build.norm(channels, Activation::relu));
    layers->add("conv", build.bare_conv(channels, channels / 2, 1));
    layers->add("pool", AvgPool2d(2));
    return layers;
  }

  ModulePtr features_, classifier_;
};

}  // namespace

ModulePtr densenet121(const ModelOptions& options) {
  return std::make_shared<DenseNet>(std::vector<int>{6, 12, 24, 16}, options);
}

}  // namespace tweed
