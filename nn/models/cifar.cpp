// Small networks of courses on CIFAR-10, for (N, 32, 32, 3).
#include "autograd/elementwise.h"
#include "nn/activation.h"
#include "nn/init.h"
#include "nn/models/build.h"

namespace tweed {
namespace {

using Steps = std::vector<ModulePtr>;

ModulePtr average_pool() { return std::make_shared<AvgPool2d>(2); }
ModulePtr max_pool() { return std::make_shared<MaxPool2d>(2); }

constexpr int extra_convolutions = 20;

// x + relu(conv(x)) / 20: gradients also pass beside the convolution. All twenty together add about
// as much as one alone would; unscaled they double x again and again, and training diverges.
class ResidualConv : public Module {
 public:
  explicit ResidualConv(const ModulePtr& conv) : conv_(add_child("conv", conv)) {}
  Tensor forward(const Tensor& x) override { return x + (*conv_)(x) * (1. / extra_convolutions); }
  std::string description() const override { return "ResidualConv"; }

 private:
  ModulePtr conv_;
};

enum class Extra { none, plain, residual, dirac };

// At first the convolution hands on what it gets, and so do gradients on their way back. PyTorch's
// initial values, which layers here have, let both shrink by the square root of 6 in each layer
// with ReLU. He's keep their sizes, but all images come to look alike in so many layers.
void initialise_by_dirac(Module& conv) {
  for (auto& [name, t] : conv.state())
    Tensor(t).copy_from(t.ndim() == 4 ? dirac_init(t.shape()) : Tensor::zeros(t.shape()));
}

// Three 5x5 convolutions with ReLU, an average pool after each, one linear layer. Between the first
// pool and the second convolution there may be 20 more.
ModulePtr convolutions(const ModelOptions& options, Extra extra) {
  Build build(options);
  auto conv = [&](int64_t in, int64_t out) {
    return build.conv(in, out, 5, 1, true, Activation::relu);
  };
  auto network = std::make_shared<Sequential>();
  network->add("conv1", conv(3, 32)).add("pool1", average_pool());
  for (int i = 1; extra != Extra::none && i <= extra_convolutions; ++i) {
    ModulePtr more = conv(32, 32);
    if (extra == Extra::dirac) initialise_by_dirac(*more);
    if (extra == Extra::residual) more = std::make_shared<ResidualConv>(more);
    network->add("extra" + std::to_string(i), more);
  }
  network->add("conv2", conv(32, 32)).add("pool2", average_pool());
  network->add("conv3", conv(32, 64)).add("pool3", average_pool());
  network->add("flatten", std::make_shared<Flatten>());
  network->add("fc", build.linear(4 * 4 * 64, options.classes));
  return network;
}

// conv, batch norm if asked for, Mish.
void add_mish(Steps& steps, Build& build, int64_t in, int64_t out, int64_t kernel, bool norm) {
  steps.push_back(build.conv(in, out, kernel, 1, !norm));
  if (norm) steps.push_back(build.norm(out));
  steps.push_back(make_activation("Mish"));
}

ModulePtr mish(const ModelOptions& options, bool norm) {
  Build build(options);
  Steps steps;
  add_mish(steps, build, 3, 64, 11, norm);
  steps.push_back(max_pool());
  add_mish(steps, build, 64, 128, 3, norm);
  add_mish(steps, build, 128, 128, 3, norm);
  steps.push_back(std::make_shared<GlobalAvgPool>());
  steps.push_back(build.linear(128, options.classes));
  return std::make_shared<Sequential>(steps);
}

}  // namespace

ModulePtr cifar_5x5(const ModelOptions& options) {
  Build build(options);
  auto network = std::make_shared<Sequential>();
  int64_t in = 3;
  for (int i = 1; i <= 3; ++i) {
    const int64_t out = i < 3 ? 32 : 64;
    const std::string number = std::to_string(i);
    network->add("conv" + number, build.conv(in, out, 5));
    network->add("bn" + number, build.norm(out, Activation::relu));
    network->add("pool" + number, average_pool());
    in = out;
  }
  network->add("flatten", std::make_shared<Flatten>());
  network->add("fc1", Linear(4 * 4 * 64, 64, {.bias = false}));
  network->add("bn4", build.norm(64, Activation::relu));
  network->add("fc2", build.linear(64, options.classes));
  return network;
}

ModulePtr conv_only(const ModelOptions& options) { return convolutions(options, Extra::none); }
ModulePtr conv_only_deep(const ModelOptions& options) {
  return convolutions(options, Extra::plain);
}
ModulePtr conv_only_cured(const ModelOptions& options) {
  return convolutions(options, Extra::residual);
}
ModulePtr conv_only_dirac(const ModelOptions& options) {
  return convolutions(options, Extra::dirac);
}

ModulePtr mish_net(const ModelOptions& options) { return mish(options, false); }
ModulePtr mish_net_bn(const ModelOptions& options) { return mish(options, true); }

// Pairs of 3x3 convolutions, twice the channels at half the size, in the manner of VGG.
ModulePtr mish_deep(const ModelOptions& options) {
  Build build(options);
  Steps steps;
  int64_t in = 3;
  for (int64_t out : {64, 128, 256}) {
    add_mish(steps, build, in, out, 3, true);
    add_mish(steps, build, out, out, 3, true);
    steps.push_back(out < 256 ? max_pool() : std::make_shared<GlobalAvgPool>());
    in = out;
  }
  steps.push_back(std::make_shared<Dropout>(0.2));
  steps.push_back(build.linear(in, options.classes));
  return std::make_shared<Sequential>(steps);
}

}  // namespace tweed
