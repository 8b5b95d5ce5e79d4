// Residual networks for CIFAR whose blocks begin with batch norm and ReLU, so that nothing stands
// on the way that adds the blocks up.
//
// preact_resnet18: 64, 128, 256 and 512 channels, two blocks each, no norm behind the last;
// 11,171,146 parameters with 10 classes and the names of github.com/kuangliu/pytorch-cifar. Source:
// He, Zhang, Ren, Sun 2016, arXiv:1603.05027
//
// wide_resnet28_10: three stages of four blocks with 160, 320 and 640 channels; 36,479,194
// parameters and the names of github.com/xternalz/WideResNet-pytorch, which networks of the papers
// on adversarial training have, too. Source: Zagoruyko, Komodakis 2016, arXiv:1605.07146
#include "autograd/elementwise.h"
#include "autograd/pool.h"
#include "nn/models/build.h"

namespace tweed {
namespace {

// Two 3x3 convolutions. Where sizes change, a 1x1 convolution of what the first one sees takes the
// input's place.
class PreActBlock : public Module {
 public:
  PreActBlock(Build& build, int64_t in, int64_t out, int64_t stride, bool wide) {
    bn1_ = add_child("bn1", build.norm(in, Activation::relu));
    conv1_ = add_child("conv1", build.conv(in, out, 3, stride));
    bn2_ = add_child("bn2", build.norm(out, Activation::relu));
    conv2_ = add_child("conv2", build.bare_conv(out, out, 3));
    if (stride == 1 && in == out) return;
    const ModulePtr conv = build.bare_conv(in, out, 1, stride);
    if (wide)
      shortcut_ = add_child("convShortcut", conv);
    else
      shortcut_ = add_child("shortcut", std::make_shared<Sequential>(std::vector{conv}));
  }
  Tensor forward(const Tensor& x) override {
    const Tensor seen = (*bn1_)(x), y = (*conv2_)((*bn2_)((*conv1_)(seen)));
    return y + (shortcut_ ? (*shortcut_)(seen) : x);
  }
  std::string description() const override { return "PreActBlock"; }

 private:
  ModulePtr bn1_, conv1_, bn2_, conv2_, shortcut_;
};

std::shared_ptr<Sequential> preact_stage(Build& build, int blocks, int64_t in, int64_t out,
                                         int64_t stride, bool wide) {
  auto stage = std::make_shared<Sequential>();
  for (int i = 0; i < blocks; ++i)
    stage->add(std::make_shared<PreActBlock>(build, i ? out : in, out, i ? 1 : stride, wide));
  return stage;
}

class PreActResNet : public Module {
 public:
  explicit PreActResNet(const ModelOptions& options) {
    Build build(options);
    int64_t in = 64;
    steps_.push_back(add_child("conv1", build.bare_conv(3, in, 3)));
    for (int s = 0; s < 4; ++s) {
      const int64_t out = int64_t(64) << s;
      steps_.push_back(add_child("layer" + std::to_string(s + 1),
                                 preact_stage(build, 2, in, out, s ? 2 : 1, false)));
      in = out;
    }
    linear_ = add_child("linear", build.linear(in, build.classes()));
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (auto& step : steps_) y = (*step)(y);
    return (*linear_)(global_avg_pool(y));
  }
  std::string description() const override { return "preact_resnet18"; }
  Packing image_packing(const Shape& images) const override {
    return steps_[0]->image_packing(images);
  }

 private:
  std::vector<ModulePtr> steps_;
  ModulePtr linear_;
};

class WideResNet : public Module {
 public:
  WideResNet(int depth, int64_t widen, const ModelOptions& options) {
    Build build(options);
    int64_t in = 16;
    steps_.push_back(add_child("conv1", build.bare_conv(3, in, 3)));
    for (int s = 0; s < 3; ++s) {
      const int64_t out = (16 * widen) << s;
      auto block = std::make_shared<Sequential>();
      block->add("layer", preact_stage(build, (depth - 4) / 6, in, out, s ? 2 : 1, true));
      steps_.push_back(add_child("block" + std::to_string(s + 1), block));
      in = out;
    }
    steps_.push_back(add_child("bn1", build.norm(in, Activation::relu)));
    fc_ = add_child("fc", build.linear(in, build.classes()));
    kaiming_convolutions(*this, options.seed);
    fc_->parameters()[1].tensor.zero();  // its bias
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (auto& step : steps_) y = (*step)(y);
    return (*fc_)(global_avg_pool(y));
  }
  std::string description() const override { return "wide_resnet28_10"; }
  Packing image_packing(const Shape& images) const override {
    return steps_[0]->image_packing(images);
  }

 private:
  std::vector<ModulePtr> steps_;
  ModulePtr fc_;
};

}  // namespace

ModulePtr preact_resnet18(const ModelOptions& options) {
  return std::make_shared<PreActResNet>(options);
}
ModulePtr wide_resnet28_10(const ModelOptions& options) {
  return std::make_shared<WideResNet>(28, 10, options);
}

}  // namespace tweed
