// VGG with batch norm: 3x3 convolutions, a max pool where the channels double, and three linear
// layers on a map of 7x7, which hold most of the weights: 132,868,840 of vgg11_bn with 1,000
// classes, 138,365,992 of vgg16_bn. Names and the biases before batch norm are torchvision's; maps
// of another size are averaged, or repeated, to 7x7. Source: Simonyan, Zisserman 2014,
// arXiv:1409.1556
#include "autograd/shape_ops.h"
#include "nn/models/build.h"

namespace tweed {
namespace {

constexpr int64_t vgg_map = 7, vgg_features = 4096;

// Channels of the convolutions between two pools.
using VggStages = std::vector<std::vector<int64_t>>;

class Vgg : public Module {
 public:
  Vgg(std::string name, const VggStages& stages, const ModelOptions& options)
      : name_(std::move(name)) {
    make_layers(stages, options);
    initialize(options.seed);
  }
  Tensor forward(const Tensor& x) override {
    return (*classifier_)(flatten(adaptive_avg_pool2d((*features_)(x), vgg_map, vgg_map)));
  }
  std::string description() const override { return name_; }
  Packing image_packing(const Shape& images) const override {
    return features_->image_packing(images);
  }

 private:
  void make_layers(const VggStages& stages, const ModelOptions& options) {
    const NothingDrawn zeros;  // initialize() draws all
    Build build(options);
    const int64_t channels = add_features(build, stages);
    auto classifier = std::make_shared<Sequential>();
    // A ReLU has a number of its own in the names, here as in the features.
    classifier->add(
        "0", Linear(channels * vgg_map * vgg_map, vgg_features, {.activation = Activation::relu}));
    classifier->add("2", Dropout(0.5));
    classifier->add("3", Linear(vgg_features, vgg_features, {.activation = Activation::relu}));
    classifier->add("5", Dropout(0.5));
    classifier->add("6", build.linear(vgg_features, build.classes()));
    classifier_ = add_child("classifier", classifier);
  }
  int64_t add_features(Build& build, const VggStages& stages) {
    auto features = std::make_shared<Sequential>();
    int64_t in = 3;
    int number = 0;
    for (auto& stage : stages) {
      for (std::size_t i = 0; i < stage.size(); ++i) {
        const int64_t out = stage[i];
        const bool last = i + 1 == stage.size();  // its ReLU is the pool's
        features->add(std::to_string(number),
                      Conv2d(in, out, 3, {.padding = 1, .norm_follows = true}));
        features->add(std::to_string(number + 1),
                      build.norm(out, last ? Activation::none : Activation::relu));
        number += 3;
        in = out;
      }
      features->add(std::to_string(number++), MaxPool2d(2, {.activation = Activation::relu}));
    }
    features_ = add_child("features", features);
    return in;
  }
  // As torchvision.
  void initialize(uint64_t seed) {
    kaiming_convolutions(*this, seed);
    uint32_t number = 0;
    for (auto& [name, t] : parameters()) {
      ++number;
      if (t.ndim() == 2)
        t.copy_from(normal_init(t.shape(), 0.01, {seed, number, 1}));
      else if (name.ends_with("bias"))
        t.zero();
    }
  }

  std::string name_;
  ModulePtr features_, classifier_;
};

}  // namespace

ModulePtr vgg11_bn(const ModelOptions& options) {
  return std::make_shared<Vgg>("vgg11_bn",
                               VggStages{{64}, {128}, {256, 256}, {512, 512}, {512, 512}}, options);
}
ModulePtr vgg16_bn(const ModelOptions& options) {
  return std::make_shared<Vgg>(
      "vgg16_bn",
      VggStages{{64, 64}, {128, 128}, {256, 256, 256}, {512, 512, 512}, {512, 512, 512}}, options);
}

}  // namespace tweed
