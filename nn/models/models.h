// The networks by name.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "nn/models/preprocessing.h"
#include "nn/module.h"

namespace tweed {

/// What a network is made for.
struct ModelOptions {
  int64_t classes = 100;
  uint64_t seed = 0;         ///< of the initial weights
  int64_t image_size = 128;  ///< for networks that know where a pixel is
};

/// A network that maps images (N, H, W, 3) to logits (N, classes).
/// @param name  one of model_names(), or a JSON file (path ends in ".json"; see sequential.h)
/// @throws Error  naming what there is
ModulePtr make_model(const std::string& name, const ModelOptions& options);
std::vector<std::string> model_names();
/// Throws what make_model() would throw for the name or the JSON file, before anything slow depends
/// on it. For a name nothing is built.
void check_model_name(const std::string& name);
/// Gives a network of one's own a name for make_model(): the apps take it by --model, and
/// checkpoints of it can be read. Call it before any thread needs a network. `make` is called with
/// the seed of its initial weights in force (see InitSeed).
/// @param preprocessing  what weights from elsewhere expect; files of ours say it themselves
/// @throws Error  if the name is taken, or ends in .json
void register_model(const std::string& name, std::function<ModulePtr(const ModelOptions&)> make,
                    const Preprocessing& preprocessing = {});

// The networks themselves; each file begins with what they are.

ModulePtr simplenet(const ModelOptions& options);
ModulePtr simplenet_bn(const ModelOptions& options);

ModulePtr resnet18(const ModelOptions& options);
ModulePtr resnet34(const ModelOptions& options);
ModulePtr resnet50(const ModelOptions& options);
ModulePtr resnet20(const ModelOptions& options);
ModulePtr resnet32(const ModelOptions& options);
ModulePtr resnet44(const ModelOptions& options);
ModulePtr resnet56(const ModelOptions& options);

ModulePtr squeezenet1_0(const ModelOptions& options);
ModulePtr squeezenet1_0_caffe(const ModelOptions& options);
ModulePtr inception(const ModelOptions& options);
ModulePtr vgg11_bn(const ModelOptions& options);
ModulePtr vgg16_bn(const ModelOptions& options);
ModulePtr densenet121(const ModelOptions& options);
ModulePtr mobilenet_v2(const ModelOptions& options);
ModulePtr efficientnet_b0(const ModelOptions& options);
ModulePtr convnext_tiny(const ModelOptions& options);

// For CIFAR-10's (N, 32, 32, 3).
ModulePtr preact_resnet18(const ModelOptions& options);
ModulePtr wide_resnet28_10(const ModelOptions& options);

// For images of options.image_size, a multiple of 16.
ModulePtr simplevit(const ModelOptions& options);

// For CIFAR-10's (N, 32, 32, 3). Five by five convolutions with batch norm:
ModulePtr cifar_5x5(const ModelOptions& options);
// Nothing but convolutions, ReLU and pools; with 20 more convolutions, through which gradients
// vanish; the same with residual connections around these, or with initial weights that pass images
// on, which cure it:
ModulePtr conv_only(const ModelOptions& options);
ModulePtr conv_only_deep(const ModelOptions& options);
ModulePtr conv_only_cured(const ModelOptions& options);
ModulePtr conv_only_dirac(const ModelOptions& options);
// An 11x11 convolution, two of 3x3, Mish after each; with batch norm; a deeper one with it:
ModulePtr mish_net(const ModelOptions& options);
ModulePtr mish_net_bn(const ModelOptions& options);
ModulePtr mish_deep(const ModelOptions& options);

}  // namespace tweed
