// Residual networks: blocks of convolutions whose result is added to their input.
//
// resnet18, 34 and 50 are those for ImageNet, with torchvision's names: a 7x7/2 convolution and a
// max pool, four stages of blocks with 64, 128, 256 and 512 channels (times 4 in the bottleneck
// blocks of resnet50), each stage but the first halving the map. resnet20, 32, 44 and 56 are those
// for CIFAR-10: a 3x3 convolution, three stages of 16, 32 and 64 channels, shortcuts without
// parameters. Batch norm after every convolution.
// Source: He, Zhang, Ren, Sun 2015, arXiv:1512.03385
#include "autograd/elementwise.h"
#include "autograd/pool.h"
#include "autograd/shape_ops.h"
#include "nn/init.h"
#include "nn/models/build.h"

namespace tweed {

void kaiming_convolutions(Module& network, uint64_t seed, Fan fan) {
  uint32_t number = 0;
  for (auto& [name, t] : network.parameters())
    if (t.ndim() == 4) t.copy_from(kaiming_normal(t.shape(), {seed, ++number}, fan));
}

namespace {

// How a block's input becomes what is added to its result, where sizes differ.
enum class Shortcut { convolution, subsample };

// A 1x1 convolution (option B of the paper).
ModulePtr downsample(Build& build, int64_t in, int64_t out, int64_t stride) {
  return std::make_shared<Sequential>(
      std::vector<ModulePtr>{build.conv(in, out, 1, stride), build.norm(out)});
}
// Every second pixel, with channels of zeros on both sides (option A).
Tensor subsampled(const Tensor& x, int64_t channels) {
  const int64_t added = (channels - x.dim(3)) / 2;
  return pad(max_pool2d(x, 1, {.stride = 2}), {{0, 0}, {0, 0}, {0, 0}, {added, added}});
}

// Two 3x3 convolutions.
class BasicBlock : public Module {
 public:
  static constexpr int64_t expansion = 1;
  BasicBlock(Build& build, int64_t in, int64_t width, int64_t stride, Shortcut shortcut)
      : channels_(width), resizes_(stride != 1 || in != width) {
    conv1_ = add_child("conv1", build.conv(in, width, 3, stride));
    bn1_ = add_child("bn1", build.norm(width, Activation::relu));
    conv2_ = add_child("conv2", build.conv(width, width, 3));
    bn2_ = add_child("bn2", build.norm(width));
    if (resizes_ && shortcut == Shortcut::convolution)
      downsample_ = add_child("downsample", downsample(build, in, width, stride));
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = (*bn2_)((*conv2_)((*bn1_)((*conv1_)(x))));
    return relu(y + (downsample_ ? (*downsample_)(x) : resizes_ ? subsampled(x, channels_) : x));
  }
  std::string description() const override { return "BasicBlock"; }

 private:
  int64_t channels_;
  bool resizes_;
  ModulePtr conv1_, bn1_, conv2_, bn2_, downsample_;
};

// 1x1 down to a quarter of the channels, 3x3, and 1x1 up again.
class Bottleneck : public Module {
 public:
  static constexpr int64_t expansion = 4;
  Bottleneck(Build& build, int64_t in, int64_t width, int64_t stride, Shortcut) {
    const int64_t out = expansion * width;
    conv1_ = add_child("conv1", build.conv(in, width, 1));
    bn1_ = add_child("bn1", build.norm(width, Activation::relu));
    conv2_ = add_child("conv2", build.conv(width, width, 3, stride));
    bn2_ = add_child("bn2", build.norm(width, Activation::relu));
    conv3_ = add_child("conv3", build.conv(width, out, 1));
    bn3_ = add_child("bn3", build.norm(out));
    if (stride != 1 || in != out)
      downsample_ = add_child("downsample", downsample(build, in, out, stride));
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = (*bn3_)((*conv3_)((*bn2_)((*conv2_)((*bn1_)((*conv1_)(x))))));
    return relu(y + (downsample_ ? (*downsample_)(x) : x));
  }
  std::string description() const override { return "Bottleneck"; }

 private:
  ModulePtr conv1_, bn1_, conv2_, bn2_, conv3_, bn3_, downsample_;
};

// What differs between the families.
struct Plan {
  std::string name;
  std::vector<int> blocks;  // in each stage
  int64_t width;            // of the first stage
  bool cifar = false;
};

class ResNet : public Module {
 public:
  template <class Block>
  static std::shared_ptr<ResNet> make(const Plan& plan, const ModelOptions& options) {
    auto network = std::make_shared<ResNet>(plan);
    Build build(options);
    network->add_layers<Block>(build);
    kaiming_convolutions(*network, options.seed);
    return network;
  }
  explicit ResNet(const Plan& plan) : plan_(plan) {}

  Tensor forward(const Tensor& x) override {
    Tensor y = (*bn1_)((*conv1_)(x));
    if (!plan_.cifar)
      y = max_pool2d(y, 3, {.stride = 2, .padding = 1, .activation = Activation::relu});
    for (auto& stage : stages_) y = (*stage)(y);
    return (*fc_)(global_avg_pool(y));
  }
  std::string description() const override { return plan_.name; }
  Packing image_packing(const Shape& images) const override {
    return conv1_->image_packing(images);
  }

 private:
  template <class Block>
  void add_layers(Build& build) {
    int64_t in = plan_.width, width = plan_.width;
    conv1_ = add_child("conv1", plan_.cifar ? build.conv(3, in, 3) : build.conv(3, in, 7, 2));
    bn1_ = add_child("bn1", build.norm(in, plan_.cifar ? Activation::relu : Activation::none));
    for (std::size_t s = 0; s < plan_.blocks.size(); ++s, width *= 2) {
      auto stage = std::make_shared<Sequential>();
      for (int b = 0; b < plan_.blocks[s]; ++b, in = width * Block::expansion)
        stage->add(
            std::make_shared<Block>(build, in, width, s > 0 && b == 0 ? 2 : 1,
                                    plan_.cifar ? Shortcut::subsample : Shortcut::convolution));
      stages_.push_back(add_child("layer" + std::to_string(s + 1), stage));
    }
    fc_ = add_child(plan_.cifar ? "linear" : "fc", build.linear(in, build.classes()));
  }

  Plan plan_;
  ModulePtr conv1_, bn1_, fc_;
  std::vector<ModulePtr> stages_;
};

ModulePtr cifar_resnet(int depth, const ModelOptions& options) {
  const int blocks = (depth - 2) / 6;
  return ResNet::make<BasicBlock>(
      {"resnet" + std::to_string(depth), {blocks, blocks, blocks}, 16, true}, options);
}

}  // namespace

ModulePtr resnet18(const ModelOptions& options) {
  return ResNet::make<BasicBlock>({"resnet18", {2, 2, 2, 2}, 64}, options);
}
ModulePtr resnet34(const ModelOptions& options) {
  return ResNet::make<BasicBlock>({"resnet34", {3, 4, 6, 3}, 64}, options);
}
ModulePtr resnet50(const ModelOptions& options) {
  return ResNet::make<Bottleneck>({"resnet50", {3, 4, 6, 3}, 64}, options);
}
ModulePtr resnet20(const ModelOptions& options) { return cifar_resnet(20, options); }
ModulePtr resnet32(const ModelOptions& options) { return cifar_resnet(32, options); }
ModulePtr resnet44(const ModelOptions& options) { return cifar_resnet(44, options); }
ModulePtr resnet56(const ModelOptions& options) { return cifar_resnet(56, options); }

}  // namespace tweed
