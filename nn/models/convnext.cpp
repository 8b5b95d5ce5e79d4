// ConvNeXt-tiny: a convolutional network in the manner of a transformer. A block is a depthwise 7x7
// convolution, layer norm over the channels, and an MLP of each pixel with GELU, times a scale for
// each channel that begins at 1e-6, added to its input; blocks are left out of a sample at random
// while training. Between stages layer norm and a 2x2 convolution halve the map. torchvision's
// names; 28,589,128 parameters with 1,000 classes. Source: Liu, Mao, Wu, Feichtenhofer, Darrell,
// Xie 2022, arXiv:2201.03545
#include "autograd/elementwise.h"
#include "autograd/pool.h"
#include "autograd/shape_ops.h"
#include "nn/activation.h"
#include "nn/models/build.h"
#include "nn/norm_layers.h"

namespace tweed {
namespace {

constexpr double convnext_eps = 1e-6, first_scale = 1e-6, most_blocks_dropped = 0.1;

class ConvNextBlock : public Module {
 public:
  ConvNextBlock(Build& build, int64_t channels, double dropped) {
    scale_ = add_parameter("layer_scale", Tensor::full({channels, 1, 1}, first_scale));
    // The places of PyTorch's, of which two turn the axes.
    Sequential layers;
    layers.add("0", build.depthwise(channels, 7, 1, true));
    layers.add("2", LayerNorm(channels, convnext_eps));
    layers.add("3", build.linear(channels, 4 * channels));
    layers.add("4", make_activation("GELU"));
    layers.add("5", build.linear(4 * channels, channels));
    block_ = add_child("block", std::move(layers));
    drop_ = add_child("stochastic_depth", DropPath(dropped));
  }
  Tensor forward(const Tensor& x) override {
    return x + (*drop_)((*block_)(x)*reshape(scale_, {scale_.dim(0)}));
  }
  std::string description() const override { return "ConvNextBlock"; }

 private:
  Tensor scale_;
  ModulePtr block_, drop_;
};

class ConvNext : public Module {
 public:
  explicit ConvNext(const ModelOptions& options) {
    Build build(options);
    const int blocks[] = {3, 3, 9, 3};
    constexpr int all = 18;
    int64_t channels = 96;
    int number = 0;
    Sequential features;
    features.add(
        Sequential{Conv2d(3, channels, 4, {.stride = 4}), LayerNorm(channels, convnext_eps)});
    for (int s = 0; s < 4; ++s) {
      if (s > 0) {
        features.add(Sequential{LayerNorm(channels, convnext_eps),
                                Conv2d(channels, 2 * channels, 2, {.stride = 2})});
        channels *= 2;
      }
      Sequential stage;
      for (int i = 0; i < blocks[s]; ++i, ++number)
        stage.add(std::make_shared<ConvNextBlock>(build, channels,
                                                  most_blocks_dropped * number / (all - 1)));
      features.add(std::move(stage));
    }
    features_ = add_child("features", std::move(features));
    Sequential classifier;
    classifier.add("0", LayerNorm(channels, convnext_eps));
    classifier.add("2", build.linear(channels, build.classes()));
    classifier_ = add_child("classifier", std::move(classifier));
    initialize(options.seed);
  }
  Tensor forward(const Tensor& x) override {
    return (*classifier_)(global_avg_pool((*features_)(x)));
  }
  std::string description() const override { return "convnext_tiny"; }
  Packing image_packing(const Shape& images) const override {
    return features_->image_packing(images);
  }

 private:
  // As torchvision: weights normal, biases 0.
  void initialize(uint64_t seed) {
    uint32_t number = 0;
    for (auto& [name, t] : parameters()) {
      ++number;
      if (name.ends_with("weight") && t.ndim() > 1)
        t.copy_from(truncated_normal_init(t.shape(), 0.02, {seed, number}));
      else if (name.ends_with("bias"))
        t.zero();
    }
  }

  ModulePtr features_, classifier_;
};

}  // namespace

ModulePtr convnext_tiny(const ModelOptions& options) { return std::make_shared<ConvNext>(options); }

}  // namespace tweed
