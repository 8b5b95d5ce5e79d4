// SqueezeNet 1.0: "fire" modules, in which a 1x1 convolution squeezes the channels before a 1x1 and
// a 3x3 convolution expand them side by side. 1,248,424 parameters with 1,000 classes and
// torchvision's names. The authors' own weights, made with Caffe, need a border of one pixel around
// the last convolution, which torchvision leaves out: squeezenet1_0_caffe has it. What goes into
// a pool has its ReLU there, see PoolOptions. Source: Iandola 2016, arXiv:1602.07360
#include "autograd/pool.h"
#include "autograd/shape_ops.h"
#include "nn/init.h"
#include "nn/models/build.h"

namespace tweed {
namespace {

class Fire : public Module {
 public:
  Fire(Build& build, int64_t in, int64_t squeeze, int64_t expand, Activation activation) {
    squeeze_ = add_child("squeeze", build.conv(in, squeeze, 1, 1, true, Activation::relu));
    expand1_ = add_child("expand1x1", build.conv(squeeze, expand, 1, 1, true, activation));
    expand3_ = add_child("expand3x3", build.conv(squeeze, expand, 3, 1, true, activation));
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = (*squeeze_)(x);
    return concat({(*expand1_)(y), (*expand3_)(y)}, 3);
  }
  std::string description() const override { return "Fire"; }

 private:
  ModulePtr squeeze_, expand1_, expand3_;
};

class SqueezeNet : public Module {
 public:
  SqueezeNet(const ModelOptions& options, int64_t last_padding)
      : name_(last_padding ? "squeezenet1_0_caffe" : "squeezenet1_0") {
    Build build(options);
    const auto relu = Activation::relu, of_pool = Activation::none;
    auto features = std::make_shared<Sequential>();
    int number = 0;  // as in torchvision, where the stem's ReLU is a layer
    auto fire = [&](int64_t in, int64_t squeeze, int64_t expand, Activation activation) {
      features->add(std::to_string(number++), Fire(build, in, squeeze, expand, activation));
    };
    auto pool = [&] {
      features->add(std::to_string(number++),
                    MaxPool2d(3, {.stride = 2, .ceil_mode = true, .activation = relu}));
    };
    features->add(std::to_string(number), Conv2d(3, 96, 7, {.stride = 2}));
    number += 2;
    pool();
    fire(96, 16, 64, relu), fire(128, 16, 64, relu), fire(128, 32, 128, of_pool);
    pool();
    fire(256, 32, 128, relu), fire(256, 48, 192, relu), fire(384, 48, 192, relu);
    fire(384, 64, 256, of_pool);
    pool();
    fire(512, 64, 256, relu);
    features_ = add_child("features", features);
    const Conv2dOptions with_border{.padding = last_padding, .activation = relu};
    auto last = std::make_shared<Conv2d>(512, build.classes(), 1, with_border);
    classifier_ = add_child("classifier", std::make_shared<Sequential>(std::vector<ModulePtr>{
                                              std::make_shared<Dropout>(0.5), last}));
    uint32_t parameter = 0;  // as in torchvision
    for (auto& [name, t] : parameters()) {
      const InitKey key{build.seed(), ++parameter};
      if (name == "classifier.1.weight")
        t.copy_from(normal_init(t.shape(), 0.01, key));
      else if (t.ndim() == 4)
        t.copy_from(kaiming_uniform(t.shape(), key));
      else
        t.zero();
    }
  }
  Tensor forward(const Tensor& x) override {
    return global_avg_pool((*classifier_)((*features_)(x)));
  }
  std::string description() const override { return name_; }
  Packing image_packing(const Shape& images) const override {
    return features_->image_packing(images);
  }

 private:
  std::string name_;
  ModulePtr features_, classifier_;
};

}  // namespace

ModulePtr squeezenet1_0(const ModelOptions& options) {
  return std::make_shared<SqueezeNet>(options, 0);
}
ModulePtr squeezenet1_0_caffe(const ModelOptions& options) {
  return std::make_shared<SqueezeNet>(options, 1);
}

}  // namespace tweed
