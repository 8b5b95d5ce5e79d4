// GoogLeNet: inception modules, which look at a map with 1x1, 3x3, larger windows and a pool side
// by side and put the channels together. As in torchvision, whose names it has: batch norm after
// every convolution, 3x3 where the paper has 5x5, no auxiliary classifiers; 6,624,904 parameters
// with 1,000 classes. Source: Szegedy 2014, arXiv:1409.4842
#include "autograd/pool.h"
#include "nn/models/build.h"

namespace tweed {
namespace {

// Convolution, batch norm, ReLU.
class BasicConv2d : public Module {
 public:
  BasicConv2d(Build& build, int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
    conv_ = add_child("conv", build.conv(in, out, kernel, stride));
    bn_ = add_child("bn", build.norm(out, Activation::relu, 1e-3));
  }
  Tensor forward(const Tensor& x) override { return (*bn_)((*conv_)(x)); }
  Packing image_packing(const Shape& images) const override { return conv_->image_packing(images); }
  std::string description() const override { return "BasicConv2d"; }

 private:
  ModulePtr conv_, bn_;
};

// Channels of an inception module's parts.
struct Parts {
  int64_t in, one, reduce3, three, reduce5, five, pooled;
  int64_t out() const { return one + three + five + pooled; }
};

class Inception : public Concat {
 public:
  Inception(Build& build, const Parts& p) {
    auto conv = [&](int64_t in, int64_t out, int64_t kernel) {
      return std::make_shared<BasicConv2d>(build, in, out, kernel);
    };
    auto chain = [](const ModulePtr& a, const ModulePtr& b) {
      return std::make_shared<Sequential>(std::vector<ModulePtr>{a, b});
    };
    add("branch1", conv(p.in, p.one, 1));
    add("branch2", chain(conv(p.in, p.reduce3, 1), conv(p.reduce3, p.three, 3)));
    add("branch3", chain(conv(p.in, p.reduce5, 1), conv(p.reduce5, p.five, 3)));
    add("branch4", chain(std::make_shared<MaxPool2d>(3, PoolOptions{.stride = 1, .padding = 1}),
                         conv(p.in, p.pooled, 1)));
  }
  std::string description() const override { return "Inception"; }
};

class GoogLeNet : public Module {
 public:
  explicit GoogLeNet(const ModelOptions& options) {
    Build build(options);
    conv("conv1", build, 3, 64, 7, 2);
    pool(3);
    conv("conv2", build, 64, 64, 1);
    conv("conv3", build, 64, 192, 3);
    pool(3);
    inception("inception3a", build, {192, 64, 96, 128, 16, 32, 32});
    inception("inception3b", build, {256, 128, 128, 192, 32, 96, 64});
    pool(3);
    inception("inception4a", build, {480, 192, 96, 208, 16, 48, 64});
    inception("inception4b", build, {512, 160, 112, 224, 24, 64, 64});
    inception("inception4c", build, {512, 128, 128, 256, 24, 64, 64});
    inception("inception4d", build, {512, 112, 144, 288, 32, 64, 64});
    inception("inception4e", build, {528, 256, 160, 320, 32, 128, 128});
    pool(2);
    inception("inception5a", build, {832, 256, 160, 320, 32, 128, 128});
    inception("inception5b", build, {832, 384, 192, 384, 48, 128, 128});
    steps_.push_back(std::make_shared<GlobalAvgPool>());
    steps_.push_back(add_child("dropout", std::make_shared<Dropout>(0.2)));
    steps_.push_back(add_child("fc", build.linear(1024, options.classes)));
    kaiming_convolutions(*this, options.seed);
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (auto& step : steps_) y = (*step)(y);
    return y;
  }
  std::string description() const override { return "inception"; }
  Packing image_packing(const Shape& images) const override {
    return steps_[0]->image_packing(images);
  }

 private:
  void conv(const char* name, Build& build, int64_t in, int64_t out, int64_t kernel,
            int64_t stride = 1) {
    steps_.push_back(
        add_child(name, std::make_shared<BasicConv2d>(build, in, out, kernel, stride)));
  }
  void inception(const char* name, Build& build, const Parts& parts) {
    steps_.push_back(add_child(name, std::make_shared<Inception>(build, parts)));
  }
  void pool(int64_t kernel) {
    steps_.push_back(
        std::make_shared<MaxPool2d>(kernel, PoolOptions{.stride = 2, .ceil_mode = true}));
  }

  std::vector<ModulePtr> steps_;
};

}  // namespace

ModulePtr inception(const ModelOptions& options) { return std::make_shared<GoogLeNet>(options); }

}  // namespace tweed
